"use strict";
// Tables that sort, charts that say their values, graphs that move and unfold. Without it the page is whole, and still.

const live = document.getElementById("status");
const say = (text) => { live.textContent = text; };

// Tables -------------------------------------------------------------------------------------------------------------

const words = new Intl.Collator(undefined, { numeric: true });

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, column) => {
    if (!head.hasAttribute("aria-sort")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].map((row) => ({ row, key: key(row.cells[column], head) }));
      rows.sort((a, b) => {
        // What has no number stands last, whichever way the others go.
        if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
        const order = typeof a.key === "number" ? a.key - b.key || 0 : words.compare(a.key, b.key);
        return down ? -order : order;
      });
      body.append(...rows.map((each) => each.row));
    });
  });
}

function key(cell, head) {
  if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
  return head.classList.contains("n") ? null : cell.textContent;
}

// Charts -------------------------------------------------------------------------------------------------------------

const REACH = 40; // pixels around a value within which the pointer means it

function telling(chart) {
  const values = [...chart.querySelectorAll("[data-said]")];
  if (!values.length) return;
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  chart.append(tip);
  let on = null;

  function show(value) {
    on?.classList.remove("on");
    on = value;
    tip.hidden = !value;
    if (!value) return;
    value.classList.add("on");
    tip.textContent = value.dataset.said;
    const frame = chart.getBoundingClientRect();
    const [x, y] = middle(value);
    tip.style.left = "0";
    const left = Math.min(Math.max(0, x - frame.left - tip.offsetWidth / 2), frame.width - tip.offsetWidth);
    const above = y - frame.top - tip.offsetHeight - 12;
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${above < 0 ? y - frame.top + 14 : above}px`;
  }

  function nearest(event) {
    const hit = event.target.closest("[data-said]");
    if (hit) return hit;
    let best = null, least = REACH;
    for (const value of values) {
      const [x, y] = middle(value);
      const far = Math.hypot(x - event.clientX, y - event.clientY);
      if (far < least) [best, least] = [value, far];
    }
    return best;
  }

  chart.addEventListener("pointermove", (event) => show(nearest(event)));
  chart.addEventListener("pointerdown", (event) => show(nearest(event)));
  chart.addEventListener("pointerleave", () => show(null));
  chart.addEventListener("blur", () => show(null));
  chart.addEventListener("keydown", (event) => {
    const place = values.indexOf(on);
    const moves = { ArrowRight: place + 1, ArrowDown: place + 1, Home: 0, End: values.length - 1 };
    moves.ArrowLeft = moves.ArrowUp = Math.max(place, 1) - 1;
    if (event.key === "Escape") show(null);
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    show(values[Math.min(moves[event.key], values.length - 1)]);
    say(on.dataset.said);
  });
}

function middle(element) {
  const box = element.getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height / 2];
}

// Graphs -------------------------------------------------------------------------------------------------------------

const LEAST = 0.1, MOST = 8, STEP = 1.25, GAP = 60, MARGIN = 16, HEAD = 26, READABLE = 0.7;

function svg(name, attributes = {}) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [each, value] of Object.entries(attributes)) made.setAttribute(each, value);
  return made;
}

// What several graphs show is in the page once: where the first of them stood, or in a template.
const stills = Object.fromEntries([...document.querySelectorAll(".view > [data-drawing]")]
  .map((still) => [still.dataset.drawing, still.firstElementChild]));
const drawing = (name) => stills[name] ?? document.getElementById(name).content.firstElementChild;

const named = (box, panel) =>
  (panel.prefix && "below" in box.dataset ? `${panel.prefix}/${box.dataset.path}` : box.dataset.path);

// A plus on a box that unfolds, at its upper right corner; a minus while it is unfolded.
function mark(box) {
  const { x, y, width } = box.querySelector("path").getBBox();
  const sign = svg("g", { class: "sign", transform: `translate(${x + width} ${y})`, "aria-hidden": "true" });
  sign.append(svg("circle", { r: 7 }), svg("path", { d: "M-3.5,0H3.5" }), svg("path", { class: "down", d: "M0,-3.5V3.5" }));
  box.append(sign);
}

function viewer(root) {
  const view = root.querySelector(".view"), tools = root.querySelector(".tools");
  const canvas = svg("svg", { class: "canvas" }), world = svg("g");
  const still = view.firstElementChild;
  let panels = [], x = 0, y = 0, scale = 1, drag = null, chosen = false; // chosen: by the reader, to be left alone

  function place() {
    world.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    root.dataset.scale = scale.toFixed(3);
  }

  function add(name, opener, prefix) {
    const made = drawing(name).cloneNode(true);
    const [, , width, height] = made.getAttribute("viewBox").split(/[ ,]+/).map(Number);
    const group = svg("g", { class: "panel", role: "group", "aria-label": made.dataset.caption || root.dataset.name });
    const panel = { opener, prefix, group, width, height, left: 0, top: 0 };
    made.setAttribute("width", width);
    made.setAttribute("height", height);
    for (const box of made.querySelectorAll("[data-inside]")) {
      box.setAttribute("role", "button");
      box.setAttribute("tabindex", "0");
      box.setAttribute("aria-expanded", "false");
      box.setAttribute("aria-label", box.querySelector("title").textContent);
    }
    if (opener) {
      const from = inWorld(opener.getBoundingClientRect());
      const last = panels[panels.length - 1];
      panel.left = last.left + last.width + GAP;
      panel.top = Math.max(0, from.y + from.height / 2 - height / 2);
      const end = { x: panel.left - MARGIN, y: Math.min(panel.top + height, Math.max(panel.top, from.y + from.height / 2)) };
      const bend = (from.x + from.width + end.x) / 2, start = from.y + from.height / 2;
      panel.wire = svg("path", { class: "wire", d: `M${from.x + from.width},${start}C${bend},${start} ${bend},${end.y} ${end.x},${end.y}` });
      world.prepend(panel.wire); // below what it leads past
      const frame = { x: -MARGIN, y: -HEAD, width: width + 2 * MARGIN, height: height + HEAD + MARGIN, rx: 8 };
      const title = svg("text", { x: 0, y: -8 });
      title.textContent = prefix;
      group.append(svg("rect", frame), title);
    }
    group.append(made);
    group.setAttribute("transform", `translate(${panel.left} ${panel.top})`);
    world.append(group);
    panels.push(panel);
    for (const box of made.querySelectorAll("[data-inside]")) mark(box);
  }

  function inWorld(box) {
    const frame = view.getBoundingClientRect();
    const at = (value, edge, moved) => (value - edge - moved) / scale;
    return {
      x: at(box.left, frame.left + view.clientLeft, x), y: at(box.top, frame.top + view.clientTop, y),
      width: box.width / scale, height: box.height / scale,
    };
  }

  function cut(depth) {
    for (const panel of panels.splice(depth)) {
      panel.group.remove();
      panel.wire?.remove();
      panel.opener?.setAttribute("aria-expanded", "false");
    }
  }

  function toggle(box) {
    const depth = panels.findIndex((panel) => panel.group.contains(box));
    const open = box.getAttribute("aria-expanded") === "true";
    cut(depth + 1);
    if (!open) {
      const path = named(box, panels[depth]);
      add(box.dataset.inside, box, path);
      box.setAttribute("aria-expanded", "true");
      say(`${path} unfolded: ${panels[panels.length - 1].group.getAttribute("aria-label")}`);
    } else say(`${named(box, panels[depth])} folded`);
    settle();
  }

  function bounds() {
    const edge = panels.length > 1 ? MARGIN : 0;
    return {
      left: -edge, top: Math.min(...panels.map((panel) => panel.top - (panel.opener ? HEAD : 0))),
      right: Math.max(...panels.map((panel) => panel.left + panel.width)) + edge,
      bottom: Math.max(...panels.map((panel) => panel.top + panel.height)) + edge,
    };
  }

  function fit() {
    const { left, top, right, bottom } = bounds();
    const width = view.clientWidth - 2 * MARGIN, height = view.clientHeight - 2 * MARGIN;
    scale = Math.max(LEAST, Math.min(width / (right - left), height / (bottom - top), 1.2));
    x = (view.clientWidth - (right - left) * scale) / 2 - left * scale;
    y = (view.clientHeight - (bottom - top) * scale) / 2 - top * scale;
    view.classList.remove("zoomed");
    chosen = false;
    place();
  }

  // As fit, unless that leaves words too small to read: then the start of what is shown, or what was unfolded last.
  function settle() {
    fit();
    if (scale >= READABLE) return;
    const last = panels[panels.length - 1];
    const width = view.clientWidth - 2 * MARGIN, height = view.clientHeight - 2 * MARGIN;
    scale = Math.max(Math.min(READABLE, width / (last.width + 2 * MARGIN)), scale);
    const whole = last.height * scale < height;
    x = panels.length > 1 ? view.clientWidth - 2 * MARGIN - (last.left + last.width) * scale : (view.clientWidth - last.width * scale) / 2;
    y = whole ? view.clientHeight / 2 - (last.top + last.height / 2) * scale : MARGIN + (HEAD - last.top) * scale;
    view.classList.add("zoomed");
    place();
  }

  function zoom(by, atX = view.clientWidth / 2, atY = view.clientHeight / 2) {
    const next = Math.min(MOST, Math.max(LEAST, scale * by));
    x = atX - ((atX - x) * next) / scale;
    y = atY - ((atY - y) * next) / scale;
    scale = next;
    view.classList.add("zoomed");
    chosen = true;
    place();
  }

  function move(dx, dy) {
    x += dx;
    y += dy;
    chosen = true;
    place();
  }

  function show(name) {
    cut(0);
    add(name, null, "");
    settle();
  }

  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const frame = view.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 300), event.clientX - frame.left, event.clientY - frame.top);
  }, { passive: false });

  view.addEventListener("pointerdown", (event) => {
    if (event.button === 0) drag = { x: event.clientX, y: event.clientY, far: false };
  });
  view.addEventListener("pointermove", (event) => {
    if (!drag || !event.buttons) return;
    const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
    if (!drag.far && Math.hypot(dx, dy) < 4) return;
    if (!drag.far) view.setPointerCapture(event.pointerId);
    view.classList.add("dragged");
    move(dx, dy);
    drag = { x: event.clientX, y: event.clientY, far: true };
  });
  for (const end of ["pointerup", "pointercancel"]) {
    view.addEventListener(end, () => { view.classList.remove("dragged"); });
  }
  view.addEventListener("click", (event) => {
    const box = event.target.closest?.("[data-inside]");
    if (box && !drag?.far) toggle(box);
    drag = null;
  });
  view.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const box = event.target.closest("[data-inside]");
    const far = 60;
    const keys = {
      ArrowLeft: () => move(far, 0), ArrowRight: () => move(-far, 0),
      ArrowUp: () => move(0, far), ArrowDown: () => move(0, -far),
      "+": () => zoom(STEP), "=": () => zoom(STEP), "-": () => zoom(1 / STEP), "−": () => zoom(1 / STEP), 0: fit,
      Enter: box && (() => toggle(box)), " ": box && (() => toggle(box)),
      Escape: panels.length > 1 && (() => { const { opener } = panels[panels.length - 1]; toggle(opener); opener.focus(); }),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  // What the keyboard reaches has to be seen.
  view.addEventListener("focusin", (event) => {
    const box = event.target.closest("[data-inside]");
    if (!box?.matches(":focus-visible")) return;
    view.scrollTo(0, 0);
    const at = box.getBoundingClientRect(), frame = view.getBoundingClientRect();
    const over = (low, high, from, to) => (low < from ? from - low + MARGIN : high > to ? to - high - MARGIN : 0);
    move(over(at.left, at.right, frame.left, frame.right), over(at.top, at.bottom, frame.top, frame.bottom));
  });
  tools.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    ({ in: () => zoom(STEP), out: () => zoom(1 / STEP), fit })[button.dataset.do]?.();
    if (!button.dataset.drawing) return;
    for (const each of tools.querySelectorAll("[data-drawing]")) each.setAttribute("aria-pressed", String(each === button));
    show(button.dataset.drawing);
  });
  // Paper has a size of its own, which only the drawing's own scaling knows: all that is unfolded, as large as fits.
  addEventListener("beforeprint", () => {
    const { left, top, right, bottom } = bounds();
    canvas.setAttribute("viewBox", [left, top, right - left, bottom - top].join(" "));
    world.removeAttribute("transform");
  });
  addEventListener("afterprint", () => {
    canvas.removeAttribute("viewBox");
    place();
  });
  new ResizeObserver(() => { if (!chosen && view.clientHeight && !canvas.hasAttribute("viewBox")) settle(); }).observe(view);

  still.remove();
  canvas.append(world);
  view.append(canvas);
  view.classList.add("live");
  tools.hidden = false;
  show(still.dataset.drawing);
}

// Tables that are filtered ------------------------------------------------------------------------------------------

function filtered(label) {
  const input = label.querySelector("input"), rows = [...label.nextElementSibling.querySelector("tbody").rows];
  const found = label.querySelector("output");
  input.addEventListener("input", () => {
    const asked = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !asked.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    found.textContent = asked.length ? `${shown} of ${rows.length} rows` : "";
  });
  label.hidden = false;
}

// A row that a link leads to is shown, whatever was filtered.
addEventListener("hashchange", () => {
  const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (row?.hidden) row.hidden = false;
  row?.scrollIntoView({ block: "center" });
});

// Charts as files ----------------------------------------------------------------------------------------------------

const LOOKS = ["fill", "stroke", "font-family", "font-size", "font-weight", "fill-opacity"];

// As it is seen: what the page's style says of colours and letters stands on the shapes themselves.
function standing(chart) {
  const seen = chart.querySelector(".marks"), made = seen.cloneNode(true);
  const from = [seen, ...seen.querySelectorAll("*")], to = [made, ...made.querySelectorAll("*")];
  from.forEach((element, place) => {
    const style = getComputedStyle(element);
    for (const look of LOOKS) to[place].setAttribute(look, style.getPropertyValue(look));
    to[place].removeAttribute("data-said");
    to[place].removeAttribute("class");
  });
  const [, , width, height] = made.getAttribute("viewBox").split(/[ ,]+/).map(Number);
  const paper = svg("rect", { width, height, fill: getComputedStyle(document.body).backgroundColor });
  made.prepend(paper);
  made.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  made.setAttribute("width", width);
  made.setAttribute("height", height);
  return { text: new XMLSerializer().serializeToString(made), width, height };
}

function save(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

const inline = (kind, text) => `data:${kind};charset=utf-8,${encodeURIComponent(text)}`;

function savable(figure) {
  const chart = figure.querySelector(".chart"), tools = figure.querySelector(".save");
  const name = figure.id.replace(/^chart-/, "");
  tools.hidden = false;
  tools.addEventListener("click", (event) => {
    const form = event.target.closest("button")?.dataset.form;
    if (form === "csv") save(inline("text/csv", chart.dataset.csv), `${name}.csv`);
    if (form === "svg") save(inline("image/svg+xml", standing(chart).text), `${name}.svg`);
    if (form === "png") {
      const { text, width, height } = standing(chart), image = new Image();
      image.onload = () => {
        const canvas = document.createElement("canvas");
        canvas.width = 2 * width;
        canvas.height = 2 * height;
        canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
        save(canvas.toDataURL("image/png"), `${name}.png`);
      };
      image.src = inline("image/svg+xml", text);
    }
  });
}

// The section in view is marked in the contents.
function followed(contents) {
  const links = [...contents.querySelectorAll("a")];
  const heads = links.map((link) => document.getElementById(link.hash.slice(1)));
  function mark() {
    const past = heads.filter((head) => head.getBoundingClientRect().top < innerHeight / 3).length;
    links.forEach((link, place) => {
      if (place === Math.max(past, 1) - 1) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
  }
  addEventListener("scroll", mark, { passive: true });
  mark();
}

document.querySelectorAll("table.sortable").forEach(sortable);
document.querySelectorAll(".find").forEach(filtered);
document.querySelectorAll("figure[id]").forEach(savable);
document.querySelectorAll("nav.contents").forEach(followed);
document.querySelectorAll(".chart").forEach(telling);
document.querySelectorAll("div.graph").forEach(viewer);
document.documentElement.dataset.ready = String(performance.now());
