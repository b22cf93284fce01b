// Opened as a file, a page may not read the others, from which a search quotes.
const fromFile = location.protocol === "file:";
if (fromFile && typeof DOCUMENTATION_OPTIONS !== "undefined") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// Paper is white: what is read in the dark is printed in the light.
(() => {
  const root = document.documentElement;
  let before = null;
  const light = () => {
    if (before !== null) return;
    before = root.dataset.theme ?? "";
    root.dataset.theme = "light";
  };
  const back = () => {
    if (before === null) return;
    root.dataset.theme = before;
    before = null;
  };
  matchMedia("print").addEventListener("change", (event) => (event.matches ? light() : back()));
  addEventListener("beforeprint", light);
  addEventListener("afterprint", back);
})();

document.addEventListener("DOMContentLoaded", () => {
  // A region that scrolls sideways must be reachable by the keyboard.
  for (const box of document.querySelectorAll("pre, .pst-scrollable-table-container, div.cell_output .output")) {
    if (box.scrollWidth > box.clientWidth && !box.hasAttribute("tabindex")) box.tabIndex = 0;
  }
  const search = fromFile && document.querySelector("#search-results");
  if (search) {
    const note = document.createElement("p");
    note.className = "course-note";
    note.textContent = "Opened as a file, the search names pages and quotes nothing of them; from a web server (course site --serve) it quotes.";
    search.before(note);
  }
  // The theme's arrows in the list of pages have no name of their own.
  for (const summary of document.querySelectorAll(".bd-sidebar-primary summary")) {
    const page = summary.closest("li")?.querySelector("a")?.textContent.trim();
    summary.setAttribute("aria-label", `Pages under ${page}`);
  }
});
