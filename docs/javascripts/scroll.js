// What scrolls sideways, wide tables and long lines, is reached and moved with the keyboard.
(function () {
  "use strict";

  function reach() {
    for (const box of document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset pre > code")) {
      if (box.scrollWidth > box.clientWidth) {
        box.tabIndex = 0;
      }
    }
  }

  window.addEventListener("load", reach);
  window.addEventListener("resize", reach);
})();
