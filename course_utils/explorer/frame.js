"use strict";
// What every explorer stands on: the size of a map, and a page of its own within the page.
const MIXED = "Keras refuses stride and dilation above 1 in the same layer; the numbers here are what they would be.";

// How many places a kernel has along n, and the zeros at both ends: Keras' own, the odd one last.
function places(n, kernel, { stride, dilation, padding }) {
  const reach = (kernel - 1) * dilation + 1;
  if (padding !== "same")
    return { size: reach > n ? 0 : Math.floor((n - reach) / stride) + 1, reach, before: 0, after: 0 };
  const size = Math.ceil(n / stride), zeros = Math.max((size - 1) * stride + reach - n, 0);
  return { size, reach, before: Math.floor(zeros / 2), after: zeros - Math.floor(zeros / 2) };
}

// The formula of that size with its numbers.
function formula(n, { reach, size }, { stride, padding }) {
  return padding === "same" ? `⌈${n} / ${stride}⌉ = ${size}` : `⌊(${n} − ${reach}) / ${stride}⌋ + 1 = ${size}`;
}

// An explorer's page in the place of the picture; what is styled here reaches nothing outside.
function begin(host, style, body) {
  const root = host.attachShadow({ mode: "open" });
  root.innerHTML = `<style>
    :host { display: block; color: #1a1a1a; background: #fff; border: 1px solid #b8c2cc; border-radius: 8px;
      padding: 14px; font: 15px/1.4 "Segoe UI", "Helvetica Neue", Arial, sans-serif; max-width: 860px; box-sizing: border-box; }
    .row { display: flex; flex-wrap: wrap; gap: 10px 18px; align-items: flex-end; }
    label { display: inline-flex; flex-direction: column; font-size: 14px; }
    select, input, button { font: inherit; padding: 3px 5px; color: #1a1a1a; background: #fff; border: 1px solid #5d6b78; border-radius: 4px; }
    input[type=number] { width: 4.4em; } input[type=range] { width: 150px; padding: 0; }
    button { cursor: pointer; background: #eef3f8; } :disabled { color: #5d6b78; background: #eef1f4; cursor: default; }
    :is(select, input, button):focus-visible { outline: 3px solid #0b5394; outline-offset: 1px; }
    fieldset { border: 1px solid #b8c2cc; border-radius: 6px; margin: 0; padding: 4px 10px 8px; } legend { font-size: 14px; padding: 0 4px; }
    .said { margin: 8px 0 0; overflow-wrap: anywhere; } .fault { color: #8f0018; font-weight: 600; }
    .sum { font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 14px; white-space: pre-wrap; }
    ${style}
  </style>${body}`;
  // Arrow keys are the controls' own here, neither a deck's nor a notebook's.
  root.addEventListener("keydown", (event) => event.stopPropagation());
  return root;
}
