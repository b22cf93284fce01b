# Each target is one line over the `course` command, which works without make too:
# `python3 -m course_tools run` does what `make run` does.
PYTHON ?= python3
COURSE = $(PYTHON) -m course_tools

.PHONY: help run test test-all lab data site slides student instructor gpu bench lock

help:       ; @$(COURSE) --help
run:        ; $(COURSE) run
test:       ; $(COURSE) test
test-all:   ; $(COURSE) test --all
lab:        ; $(COURSE) lab
data:       ; $(COURSE) data $(SET)
site:       ; $(COURSE) site --execute
slides:     ; $(COURSE) slides
student:    ; $(COURSE) student dist/student --zip $(if $(FROM),--from '$(FROM)')
instructor: ; $(COURSE) instructor dist/instructor --zip
gpu:        ; $(COURSE) gpu
bench:      ; $(COURSE) bench
lock:       ; $(COURSE) lock
