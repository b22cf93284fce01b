// Packs the cells of a slide onto as many slides of 1280 × 720 as they need, then starts the deck.
// A cell's code and its outputs are parts; parts stay in order. A part that is too tall alone is
// made smaller, down to what can still be read; how small is left in data-scale for the tests.
(() => {
  const WIDTH = 1280, HEIGHT = 720, ROOM = 640;
  const slides = document.querySelector(".reveal .slides");

  function parts(section) {
    const found = [];
    for (const child of [...section.children]) {
      if (child.matches("aside.notes")) { found.push([child, true]); continue; }
      const outputs = child.querySelector(".jp-Cell-outputWrapper");
      found.push([child, false]);
      // Code and output stay together if making both a little smaller is enough.
      const split = child.offsetHeight > 1.3 * ROOM;
      if (split && outputs && child.querySelector(".jp-Cell-inputWrapper")) {
        const own = child.cloneNode(false);
        own.removeAttribute("id");
        own.append(outputs);
        child.after(own);
        found.push([own, false]);
      } else if (child.matches(".jp-MarkdownCell") && child.offsetHeight > ROOM) {
        found.pop();
        found.push(...blocks(child));
      }
    }
    return found;
  }

  // The paragraphs, lists and tables of a long text, each as a part.
  function blocks(cell) {
    const text = cell.querySelector(".jp-RenderedMarkdown");
    if (!text || text.children.length < 2) return [[cell, false]];
    const made = [];
    for (const block of [...text.children].slice(1)) {
      const copy = cell.cloneNode(true);
      copy.removeAttribute("id");
      copy.querySelector(".jp-RenderedMarkdown").replaceChildren(block);
      made.push([copy, false]);
    }
    let before = cell;
    for (const [copy] of made) { before.after(copy); before = copy; }
    return [[cell, false], ...made];
  }

  function height(node) {
    const style = getComputedStyle(node);
    return node.offsetHeight + parseFloat(style.marginTop) + parseFloat(style.marginBottom);
  }

  // Whether a part only leads to what comes next: a heading, a line in bold, "…:".
  function leads(node) {
    const block = node.querySelector(".jp-RenderedMarkdown")?.lastElementChild;
    if (!block) return false;
    const bold = block.tagName === "P" && block.children.length === 1 && block.firstElementChild.tagName === "STRONG"
      && block.textContent === block.firstElementChild.textContent;
    return /^H[1-4]$/.test(block.tagName) || bold || block.textContent.trim().endsWith(":");
  }

  function pack(section) {
    let current = section, used = 0, begun = false, last = null;
    for (const [node, notes] of parts(section)) {
      if (notes) { current.append(node); continue; }
      node.classList.add("course-part");
      let tall = height(node);
      if (tall > ROOM) {
        const scale = ROOM / tall;
        node.style.zoom = scale;
        node.dataset.scale = scale.toFixed(2);
        tall = ROOM;
      }
      if (begun && used + tall > ROOM) {
        const next = document.createElement("section");
        current.after(next);
        const others = [...current.children].filter((child) => child.matches(".course-part") && child !== last);
        used = last && leads(last) && others.length ? height(last) : 0;
        if (used && used + tall <= ROOM) next.append(last); else used = 0;
        current = next;
      }
      if (node.parentNode !== current) current.append(node);
      used += tall;
      begun = true;
      last = node;
    }
  }

  async function start() {
    const page = document.createElement("style");
    page.textContent = `.reveal .slides section { display: block !important; position: static !important;
      visibility: visible !important; width: ${WIDTH}px; height: auto; transform: none !important }`;
    await MathJax.startup.promise;
    await MathJax.typesetPromise();
    await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
    document.head.append(page);
    for (const section of [...slides.querySelectorAll("section")]) {
      if (!section.querySelector("section")) pack(section);
    }
    for (const section of slides.querySelectorAll("section")) {
      if (!section.querySelector("section") && !section.textContent.trim() && !section.querySelector("img, svg"))
        section.remove();
    }
    page.remove();
    for (const box of slides.querySelectorAll("pre")) box.tabIndex = 0;
    await Reveal.initialize({
      width: WIDTH, height: HEIGHT, margin: 0.0, controls: true, progress: true, hash: true, center: false,
      slideNumber: "c/t", transition: "none", plugins: [RevealNotes],
    });
    document.documentElement.dataset.deck = "ready";
  }
  start();
})();
