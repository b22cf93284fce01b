document.addEventListener("DOMContentLoaded", () => {
  // A region that scrolls sideways must be reachable by the keyboard.
  for (const box of document.querySelectorAll("pre, .pst-scrollable-table-container, div.cell_output .output")) {
    if (box.scrollWidth > box.clientWidth && !box.hasAttribute("tabindex")) box.tabIndex = 0;
  }
  // The theme's arrows in the list of pages have no name of their own.
  for (const summary of document.querySelectorAll(".bd-sidebar-primary summary")) {
    const page = summary.closest("li")?.querySelector("a")?.textContent.trim();
    summary.setAttribute("aria-label", `Pages under ${page}`);
  }
});
