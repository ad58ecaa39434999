// The steps of an episode: a click on one plays it, and the arrow keys go from step to step.
(() => {
  "use strict";
  const deck = document.querySelector(".deck");
  const steps = [...document.querySelectorAll(".steps [data-key]")];
  if (!deck || !window.AudioContext) return;
  const play = deck.querySelector(".play");
  const sound = () => { if (!deck.classList.contains("playing")) play.click(); };
  steps.forEach((step) => step.addEventListener("click", sound));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("audio, input")) return;
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way || !steps.length) return;
    event.preventDefault();
    const at = steps.findIndex((step) => step.getAttribute("aria-pressed") === "true");
    const next = steps[at < 0 ? 0 : Math.min(steps.length - 1, Math.max(0, at + way))];
    next.click();
    next.scrollIntoView({ block: "nearest" });
  });
})();
