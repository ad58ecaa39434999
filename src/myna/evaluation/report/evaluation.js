// Picks out an agent, reads values off a chart, and plays what is chosen.
(() => {
  "use strict";
  const picks = [...document.querySelectorAll("[data-pick]")];
  const marked = [...document.querySelectorAll("[data-agent]")];
  let picked = null;

  function pick(agent) {
    picked = picked === agent ? null : agent;
    picks.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.pick === picked)));
    marked.forEach((one) => one.classList.toggle("dim", picked !== null && one.dataset.agent !== picked));
    marked.forEach((one) => one.classList.toggle("picked", one.dataset.agent === picked));
  }
  picks.forEach((button) => button.addEventListener("click", () => pick(button.dataset.pick)));

  document.querySelectorAll(".chart").forEach((chart) => {
    const svg = chart.querySelector("svg");
    const cursor = chart.querySelector(".cursor");
    const readout = chart.querySelector(".readout");
    const dots = [...chart.querySelectorAll("circle")];
    const places = new Map(dots.map((dot) => [Number(dot.dataset.renders), Number(dot.getAttribute("cx"))]));
    const marks = [...places.keys()].sort((a, b) => a - b);
    let at = -1;

    function tell(next) {
      if (!marks.length || next === at) return;
      at = Math.min(marks.length - 1, Math.max(0, next));
      const here = dots.filter((dot) => Number(dot.dataset.renders) === marks[at]);
      here.sort((a, b) => b.getAttribute("cy") - a.getAttribute("cy"));
      cursor.setAttribute("transform", `translate(${places.get(marks[at])} 0)`);
      chart.classList.add("told");
      const title = document.createElement("b");
      title.textContent = `${marks[at].toLocaleString("en")} render${marks[at] === 1 ? "" : "s"}`;
      readout.replaceChildren(title, ...here.map((dot) => {
        const line = document.createElement("span");
        const name = document.createElement("i");
        name.textContent = dot.parentElement.dataset.agent;
        line.append(name, ` ${dot.dataset.says}`);
        return line;
      }));
    }

    function nearest(event) {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      const far = marks.map((mark) => Math.abs(places.get(mark) - x));
      tell(far.indexOf(Math.min(...far)));
    }
    svg.addEventListener("pointermove", nearest);
    svg.addEventListener("pointerdown", nearest);
    chart.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!way) return;
      event.preventDefault();
      tell(at < 0 ? (way > 0 ? 0 : marks.length - 1) : at + way);
    });
  });

  document.querySelectorAll(".takes [data-key]").forEach((take) => {
    const deck = take.closest(".deck");
    take.addEventListener("click", () => { if (!deck.classList.contains("playing")) deck.querySelector(".play").click(); });
  });
  document.querySelectorAll(".sound").forEach((sound) => sound.addEventListener("toggle", () => {
    if (!sound.open && sound.querySelector(".playing")) sound.querySelector(".play").click();
  }));
})();
