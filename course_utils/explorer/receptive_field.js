// A stack of convolutions and poolings to play with. Everything it needs is in this text, in
// frame.js, layers.js and `data`: no kernel, no network.
(function (id, data) {
  const host = document.getElementById(id);
  if (!host || host.shadowRoot) return;
  const POOLING = data.kinds[1], NUMBERS = ["kernel", "stride", "dilation"];
  const STEP = 58, BOX = 24;
  // The chosen unit is kept as its share of the row, so that it stays where it is as rows shrink.
  const state = {
    size: data.size, padding: data.padding, layers: data.layers.map((layer) => ({ ...layer })),
    row: data.layers.length, share: .5, numbers: "ways",
  };

  const { now, looksAt } = layered(state, POOLING);

  const number = (name, most, least = 1, text = name) =>
    `<label>${text}<input type="number" name="${name}" min="${least}" max="${most}" step="1"></label>`;
  const options = (list) => list.map((text) => `<option>${text}</option>`).join("");
  const root = begin(host, `
    svg { display: block; width: 100%; margin: 12px 0; cursor: pointer; font-size: 13px; }
    rect { fill: #fff; stroke: #6b7785; } .pad { fill: #e4e9ee; stroke-dasharray: 3 2; }
    .on { fill: #0b5394; stroke: #062c4f; } .pad.on { fill: #e4e9ee; stroke: #1a1a1a; stroke-width: 2; }
    .chosen, .won { stroke: #1a1a1a; stroke-width: 7; paint-order: stroke; } .won { fill: #ffd27f; }
    line { stroke: #0b5394; stroke-opacity: .55; } .to-pad { stroke-dasharray: 3 3; } .to-won { stroke: #1a1a1a; stroke-width: 4; stroke-opacity: 1; }
    text { fill: #1a1a1a; paint-order: stroke; stroke: #fff; stroke-width: 4px; stroke-linejoin: round; }
    .in { text-anchor: middle; dominant-baseline: central; stroke: none; pointer-events: none; } .in.light { fill: #fff; }
    .layers { display: grid; gap: 6px; margin: 12px 0; } .layers .row { gap: 6px 10px; } .layers input { width: 3em !important; }
    .sum { flex: 1 1 16em; font-size: 12.5px; display: flex; flex-wrap: wrap; gap: 0 1.4em; } fieldset { min-width: 0; }`, `
  <div class="row">
    <label>a unit of<select name="row"></select></label>
    <label>unit<input type="range" name="unit" min="0" step="1"></label>
    <label>numbers in the boxes<select name="numbers"><option value="ways">ways to the unit</option>
      <option value="values">values, all weights 1</option><option value="none">none</option></select></label>
    ${number("size", data.most.size, 4, "pixels")}
    <label>padding<select name="padding">${options(["valid", "same"])}</select></label>
  </div>
  <svg role="img"></svg>
  <div class="said" aria-live="polite"><div class="fault"></div><div class="where"></div><div class="count"></div></div>
  <div class="layers"></div>
  <div class="row"><button type="button" name="add" value="0">Add a convolution</button>
    <button type="button" name="add" value="1">Add max pooling</button></div>
  <div class="said general">Each layer with kernel k, stride s, dilation d: reach r&nbsp;=&nbsp;(k&nbsp;−&nbsp;1)·d&nbsp;+&nbsp;1; <span></span>;
    field&nbsp;+=&nbsp;(k&nbsp;−&nbsp;1)·d·jump; then jump&nbsp;×=&nbsp;s. A pixel has field 1 and jump 1.</div>`);
  const one = (selector) => root.querySelector(selector);
  const named = (name) => root.querySelector(`[name=${name}]`);
  const layerName = (row) => (row ? `layer ${row}` : "the input");

  function draw({ rows, row, unit, value, ways, won }) {
    const svg = one("svg"), width = svg.clientWidth || 820, height = rows.length * STEP - 6;
    const pads = rows.map(({ size }, r) => (rows[r + 1]?.size ? rows[r + 1] : { before: 0, after: 0 }));
    const place = (r, j) => rows[r].origin + j * rows[r].jump;
    const ends = rows.flatMap(({ size }, r) => (size ? [place(r, -pads[r].before), place(r, size - 1 + pads[r].after)] : []));
    const low = Math.min(...ends), high = Math.max(...ends);
    const cell = (width - 6) / (high - low + 1), side = Math.min(cell * .82, 30);
    const x = (r, j) => 3 + (place(r, j) - low + .5) * cell, y = (r) => (rows.length - 1 - r) * STEP + 22;
    const wins = (r, j) => state.numbers === "values" && won.get(r) === j;
    let lines = "", boxes = "";
    rows.forEach(({ size }, r) => {
      const written = (j) => String({ ways: ways[r]?.get(j), values: value[r][j] }[state.numbers] ?? "");
      const longest = Math.max(...Array.from({ length: size }, (_, j) => written(j).length));
      const font = Math.min(14, side / .62 / longest);
      for (let j = -pads[r].before; j < size + pads[r].after; j++) {
        const pad = j < 0 || j >= size, on = ways[r]?.has(j), chosen = r === row && j === unit, winner = wins(r, j);
        const kind = [pad && "pad", on && "on", chosen && "chosen", winner && "won"].filter(Boolean).join(" ");
        boxes += `<rect class="${kind}" x="${x(r, j) - side / 2}" y="${y(r)}" width="${side}" height="${BOX}"/>`;
        if (!pad && font >= 8) boxes += `<text class="in ${on && !winner ? "light" : ""}" x="${x(r, j)}" y="${y(r) + BOX / 2}"
          style="font-size:${font}px">${written(j)}</text>`;
        if (on && !pad && r > 0) for (const i of looksAt(rows, r, j)) {
          const outside = i < 0 || i >= rows[r - 1].size, to = outside ? "to-pad" : wins(r - 1, i) && (chosen || winner) ? "to-won" : "";
          lines += `<line class="${to}" x1="${x(r, j)}" y1="${y(r) + BOX}" x2="${x(r - 1, i)}" y2="${y(r - 1)}"/>`;
        }
      }
      const { kind, kernel } = state.layers[r - 1] ?? {};
      boxes += `<text x="2" y="${y(r) - 6}">${r ? `${r} · ${kind} ${kernel}: ${size} units` : `input: ${size} pixels`}</text>`;
    });
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.style.height = `${height}px`;
    svg.innerHTML = lines + boxes;
    const list = rows.map(({ size }, r) => `${layerName(r)} with ${size}`).join(", ");
    svg.setAttribute("aria-label", `${rows.length} rows of boxes: ${list}. ${one(".where").textContent}`);
    return { x, y };
  }

  function say({ rows, row, unit, value, ways, won }) {
    const real = (r) => [...ways[r].keys()].filter((j) => j >= 0 && j < rows[r].size).sort((a, b) => a - b);
    const pixels = real(0), [first, last] = [pixels[0], pixels.at(-1)], span = last - first + 1;
    const padding = ways.reduce((sum, each, r) => sum + each.size - real(r).length, 0);
    const seen = span > pixels.length ? `${pixels.length} of the ${span} pixels from ${first} to ${last}; it skips the others`
      : span > 1 ? `${span} pixels, ${first} to ${last}` : pixels.length ? `pixel ${first} alone` : "no pixel";
    one(".where").textContent = `Unit ${unit} of ${layerName(row)} depends on ${seen}. By the formula its field is ${rows[row].field}.`
      + (padding ? ` It also sees padding, in ${padding} place${padding > 1 ? "s" : ""}.` : "");
    const full = rows.findIndex(({ size }) => !size);
    const mixed = state.layers.some(({ stride, dilation }) => stride > 1 && dilation > 1);
    one(".fault").textContent = full > 0
      ? `Layer ${full} reaches over ${rows[full].reach} units and does not fit on ${rows[full - 1].size}: `
        + 'take padding "same", more pixels, or a smaller kernel or dilation.'
      : mixed ? MIXED : "";
    let count = pixels.length ? `Ways from these pixels to it: ${pixels.map((i) => ways[0].get(i)).join(", ")}.` : "";
    if (state.numbers !== "ways") {
      const terms = row ? looksAt(rows, row, unit).map((i) => value[row - 1][i]) : [];
      const [bottom, from] = [...won].at(-1) ?? [];
      count = `Its value: ${value[row][unit]}` + (!row ? "." : won.size
        ? `, the largest of ${terms.filter((v) => v !== undefined).join(", ")}; it comes from ${bottom ? `unit ${from} of layer ${bottom}` : `pixel ${from}`}.`
        : ` = ${terms.map((v) => v ?? 0).join(" + ")}.`);
    }
    one(".count").textContent = state.numbers === "none" ? "" : count;
    one(".general span").textContent = state.padding === "same" ? "units ⌈n / s⌉" : "units ⌊(n − r) / s⌋ + 1";
    for (const box of root.querySelectorAll("fieldset")) {
      const r = Number(box.dataset.layer) + 1, { kernel, stride, dilation } = state.layers[r - 1], below = rows[r - 1];
      const texts = below.size && rows[r].size ? [
        `units ${formula(below.size, rows[r], { stride, padding: state.padding })}`,
        `field ${below.field} + (${kernel} − 1)·${dilation}·${below.jump} = ${rows[r].field}`,
        `jump ${below.jump}·${stride} = ${rows[r].jump}`,
      ] : ["no unit fits"];
      box.querySelector(".sum").innerHTML = texts.map((text) => `<span>${text}</span>`).join("");
    }
  }

  let drawn = {};
  function show() {
    const all = now(), last = all.rows[all.row].size - 1;
    say(all);
    drawn = { ...all, ...draw(all) };
    named("row").value = all.row;
    Object.assign(named("unit"), { max: last, value: all.unit });
    named("unit").setAttribute("aria-valuetext", `unit ${all.unit} of 0 to ${last}`);
  }

  // The controls of the layers; made anew only where their number or kind changes, for the focus' sake.
  function controls() {
    one(".layers").innerHTML = state.layers.map((_, at) => `<fieldset data-layer="${at}"><legend>layer ${at + 1}</legend>
      <div class="row"><label>kind<select name="kind">${options(data.kinds)}</select></label>
      ${NUMBERS.map((name) => number(name, data.most[name])).join("")}
      <button type="button" name="remove" aria-label="Remove layer ${at + 1}">Remove</button><div class="sum"></div></div></fieldset>`).join("");
    state.layers.forEach((layer, at) => ["kind", ...NUMBERS].forEach((name) => {
      const control = one(`[data-layer="${at}"] [name=${name}]`);
      control.value = layer[name];
      if (name === "dilation") control.disabled = layer.kind === POOLING;
    }));
    for (const button of root.querySelectorAll("[name=remove]")) button.disabled = state.layers.length === 1;
    for (const button of root.querySelectorAll("[name=add]")) button.disabled = state.layers.length === data.most.layers;
    named("row").innerHTML = state.layers.map((_, at) => `<option value="${at + 1}">layer ${at + 1}</option>`)
      .reverse().join("") + '<option value="0">the input</option>';
    named("size").value = state.size; named("padding").value = state.padding;
  }

  root.addEventListener("input", ({ target: { name, value, min, max }, target }) => {
    const at = target.closest("fieldset")?.dataset.layer, whole = Math.round(Number(value));
    if (name === "row") state.row = whole;
    else if (name === "unit") state.share = max > 0 ? value / max : .5;
    else if (name === "numbers" || name === "padding") state[name] = value;
    else if (name === "kind") {
      state.layers[at].kind = value;
      if (value === POOLING) state.layers[at].dilation = 1;
      controls();
      one(`[data-layer="${at}"] [name=kind]`).focus();
    } else if (value && whole >= min && whole <= max) (at ? state.layers[at] : state)[name] = whole;
    show();
  });
  root.addEventListener("click", (event) => {
    const { name, value } = event.target, svg = event.target.closest("svg");
    if (name === "add" || name === "remove") {
      const top = state.row === state.layers.length;
      if (name === "remove") state.layers.splice(event.target.closest("fieldset").dataset.layer, 1);
      else state.layers.push({ kind: data.kinds[value], kernel: value === "1" ? 2 : 3, stride: value === "1" ? 2 : 1, dilation: 1 });
      state.row = top ? state.layers.length : Math.min(state.row, state.layers.length);
      controls();
      if (name === "remove") named("add").focus();
    } else if (svg) {
      const box = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / box.width;
      const { rows, x, y } = drawn;
      const near = (sizes, distance) => sizes.reduce((best, j) => (distance(j) < distance(best) ? j : best));
      const [left, top] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
      state.row = near([...rows.keys()].filter((r) => rows[r].size), (r) => Math.abs(y(r) + BOX / 2 - top));
      const last = rows[state.row].size - 1;
      state.share = last ? near([...Array(last + 1).keys()], (j) => Math.abs(x(state.row, j) - left)) / last : .5;
    } else return;
    show();
  });

  host.receptiveField = () => {
    const { ways, ...all } = now();
    return { ...state, ...all, ways: ways.map((each) => [...each].sort(([a], [b]) => a - b)), won: [...all.won] };
  };
  controls();
  show();
  new ResizeObserver(() => {
    const svg = one("svg");
    if (svg.clientWidth !== svg.viewBox.baseVal.width) drawn = { ...drawn, ...draw(drawn) };
  }).observe(host);
})
