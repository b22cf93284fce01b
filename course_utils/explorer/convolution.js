// A convolution to play with. Everything it needs is in this text, in frame.js and in `data`: no
// kernel, no network. The arithmetic is that of Conv2D: a cross-correlation, zeros for "same".
(function (id, data) {
  const host = document.getElementById(id);
  if (!host || host.shadowRoot) return;
  const PRESETS = {
    "as given": data.kernel,
    "vertical edges": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "horizontal edges": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
    "blur": [[1, 1, 1], [1, 1, 1], [1, 1, 1]].map((row) => row.map((w) => w / 9)),
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "nothing (identity)": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
  };
  const state = {
    picture: data.picture, kernel: data.kernel.map((row) => [...row]), padding: data.padding,
    stride: data.stride, dilation: data.dilation, row: 0, column: 0,
  };

  // ---- the arithmetic, apart from all drawing
  function geometry() {
    return {
      down: places(state.picture.length, state.kernel.length, state),
      across: places(state.picture[0].length, state.kernel[0].length, state),
    };
  }
  // The products of one output pixel: [row in the picture, column, pixel, weight] of each weight.
  function terms(row, column, { down, across }) {
    return state.kernel.flatMap((weights, i) => weights.map((weight, j) => {
      const y = row * state.stride + i * state.dilation - down.before;
      const x = column * state.stride + j * state.dilation - across.before;
      return [y, x, state.picture[y]?.[x] ?? 0, weight];
    }));
  }
  function output() {
    const shape = geometry();
    return Array.from({ length: shape.across.size && shape.down.size }, (_, row) =>
      Array.from({ length: shape.across.size }, (_, column) =>
        terms(row, column, shape).reduce((sum, [, , pixel, weight]) => sum + pixel * weight, 0)));
  }

  // ---- the page
  const root = begin(host, `
    .maps { display: flex; flex-wrap: wrap; gap: 20px; margin: 12px 0; }
    figure { margin: 0; } figcaption { font-weight: 600; margin-bottom: 4px; }
    canvas { width: 305px; max-width: 100%; height: auto; image-rendering: pixelated; cursor: pointer; border: 1px solid #6b7785; display: block; }
    input[type=file] { max-width: 15em; border: 0; }
    table { border-collapse: collapse; } td { padding: 1px; } td input { width: 4.2em !important; }`, `
  <div class="row">
    <label>kernel<select name="preset">${Object.keys(PRESETS).map((name) => `<option>${name}</option>`).join("")}<option>your own</option></select></label>
    <label>size<select name="size">${[1, 2, 3, 4, 5, 7].map((k) => `<option value="${k}">${k} × ${k}</option>`).join("")}</select></label>
    <label>padding<select name="padding"><option>valid</option><option>same</option></select></label>
    <label>stride<input type="number" name="stride" min="1" max="6" step="1"></label>
    <label>dilation<input type="number" name="dilation" min="1" max="6" step="1"></label>
    <label>your own picture<input type="file" name="file" accept="image/*"></label>
  </div>
  <div class="maps">
    <figure><figcaption>picture</figcaption><canvas data-map="picture" role="img"></canvas></figure>
    <figure><figcaption>feature map</figcaption><canvas data-map="output" role="img"></canvas></figure>
    <fieldset><legend>weights of the kernel</legend><table role="presentation"></table></fieldset>
  </div>
  <div class="row">
    <label>row of the output pixel<input type="range" name="row" min="0" step="1"></label>
    <label>column of the output pixel<input type="range" name="column" min="0" step="1"></label>
    <button type="button" name="play" aria-pressed="false">Move the window</button>
  </div>
  <div class="said" aria-live="polite"><div class="fault"></div><div class="where"></div><div class="sum"></div><div class="formula"></div></div>`);
  const one = (selector) => root.querySelector(selector);
  const named = (name) => root.querySelector(`[name=${name}]`);

  const written = (x) => {
    const text = Number.isInteger(x) ? String(x) : x.toFixed(Math.abs(x) < 10 ? 2 : 1);
    return text.replace("-", "−");
  };
  const bracketed = (x) => (x < 0 ? `(${written(x)})` : written(x));

  function draw(canvas, values, pads, paint, marks) {
    const rows = values.length + pads.top + pads.bottom, columns = (values[0]?.length ?? 0) + pads.left + pads.right;
    const cell = Math.max(4, Math.floor(660 / Math.max(rows, columns, 1)));
    canvas.width = Math.max(columns * cell, 1); canvas.height = Math.max(rows * cell, 1);
    canvas.dataset.cell = cell;
    const pen = canvas.getContext("2d");
    for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) {
      const value = values[y - pads.top]?.[x - pads.left];
      const [colour, ink] = value === undefined ? ["#dfe7ee", "#33414e"] : paint(value);
      pen.fillStyle = colour; pen.fillRect(x * cell, y * cell, cell, cell);
      if (cell >= 44) {
        pen.strokeStyle = "#9aa7b3"; pen.lineWidth = 1; pen.strokeRect(x * cell + .5, y * cell + .5, cell - 1, cell - 1);
        pen.fillStyle = ink; pen.font = `${Math.floor(cell * .34)}px sans-serif`; pen.textAlign = "center"; pen.textBaseline = "middle";
        pen.fillText(written(value ?? 0), (x + .5) * cell, (y + .5) * cell, cell * .92);
      }
    }
    for (const [y, x, height, width, colour, thick] of marks) {
      pen.strokeStyle = colour; pen.lineWidth = Math.max(2, Math.min(cell * thick, 9));
      pen.strokeRect((x + pads.left) * cell, (y + pads.top) * cell, width * cell, height * cell);
    }
  }

  function range(values) {
    const all = values.flat();
    return [Math.min(...all), Math.max(...all)];
  }

  function show() {
    const shape = geometry(), map = output();
    const { down, across } = shape;
    const fits = map.length > 0;
    state.row = Math.min(Math.max(state.row, 0), Math.max(down.size - 1, 0));
    state.column = Math.min(Math.max(state.column, 0), Math.max(across.size - 1, 0));
    const used = fits ? terms(state.row, state.column, shape) : [];
    const [low, high] = range(state.picture);
    const grey = (value) => {
      const level = Math.round(255 * (value - low) / (high - low || 1));
      return [`rgb(${level},${level},${level})`, level > 140 ? "#000" : "#fff"];
    };
    const top = state.row * state.stride - down.before, left = state.column * state.stride - across.before;
    const marks = used.length ? [
      ...used.map(([y, x]) => [y, x, 1, 1, "#d55e00", .05]),
      [top, left, down.reach, across.reach, "#d55e00", .12],
    ] : [];
    draw(one("[data-map=picture]"), state.picture,
      { top: down.before, bottom: down.after, left: across.before, right: across.after }, grey, marks);
    const limit = fits ? Math.max(...range(map).map(Math.abs)) || 1 : 1;
    const signed = (value) => {
      const share = Math.min(Math.abs(value) / limit, 1), rest = Math.round(255 * (1 - share));
      const mid = Math.round(255 - 140 * share);
      return [value < 0 ? `rgb(${rest},${mid},255)` : `rgb(255,${mid},${rest})`, "#000"];
    };
    draw(one("[data-map=output]"), map, { top: 0, bottom: 0, left: 0, right: 0 }, signed,
      fits ? [[state.row, state.column, 1, 1, "#000", .12]] : []);
    one("[data-map=picture]").setAttribute("aria-label",
      `The picture, ${state.picture.length} by ${state.picture[0].length}, with the window at row ${top}, column ${left}.`);
    one("[data-map=output]").setAttribute("aria-label", `The feature map, ${down.size} by ${across.size}; blue is negative, orange positive.`);
    for (const [name, size, at] of [["row", down.size, state.row], ["column", across.size, state.column]]) {
      named(name).max = Math.max(size - 1, 0); named(name).value = at;
      named(name).setAttribute("aria-valuetext", `${at} of 0 to ${Math.max(size - 1, 0)}`);
    }
    let fault = "";
    if (!fits) fault = `The kernel reaches over ${down.reach} × ${across.reach} pixels and does not fit into the picture: take padding "same", or a smaller kernel or dilation.`;
    else if (state.stride > 1 && state.dilation > 1) fault = MIXED;
    one(".fault").textContent = fault;
    const sum = fits ? map[state.row][state.column] : 0;
    one(".where").textContent = fits ? `Output pixel at row ${state.row}, column ${state.column}: picture × weight, summed` : "";
    const width = state.kernel[0].length;
    one(".sum").textContent = fits
      ? state.kernel.map((_, i) => used.slice(i * width, (i + 1) * width)
        .map(([, , pixel, weight]) => `${written(pixel)}·${bracketed(weight)}`).join(" + ")).join("\n+ ") + `\n= ${written(sum)}`
      : "";
    const general = state.padding === "same" ? "⌈n / s⌉" : "⌊(n − r) / s⌋ + 1";
    const size = (name, n, side) => `${name}: ${general} = ${formula(n, side, state)}`;
    one(".formula").textContent = `Size, with reach r = (k − 1)·d + 1: ${size("rows", state.picture.length, down)}; ${size("columns", state.picture[0].length, across)}`;
  }

  function controls() {
    one("table").innerHTML = state.kernel.map((row, i) => `<tr>${row.map((weight, j) =>
      `<td><input type="number" step="any" data-weight="${i},${j}" aria-label="weight in row ${i}, column ${j}" value="${+weight.toFixed(4)}"></td>`).join("")}</tr>`).join("");
    named("padding").value = state.padding; named("stride").value = state.stride; named("dilation").value = state.dilation;
    const k = state.kernel.length;
    named("size").value = k === state.kernel[0].length ? String(k) : "";
  }

  let timer = 0;
  function play(on) {
    clearInterval(timer);
    named("play").setAttribute("aria-pressed", String(on));
    named("play").textContent = on ? "Stop" : "Move the window";
    if (!on) return;
    timer = setInterval(() => {
      const { down, across } = geometry();
      state.column += 1;
      if (state.column >= across.size) { state.column = 0; state.row = (state.row + 1) % Math.max(down.size, 1); }
      if (!host.isConnected) clearInterval(timer); else show();
    }, 400);
  }

  root.addEventListener("input", (event) => {
    const { name, value, dataset } = event.target;
    if (dataset.weight) {
      const [i, j] = dataset.weight.split(",").map(Number);
      if (!Number.isFinite(parseFloat(value))) return;
      state.kernel[i][j] = parseFloat(value);
      named("preset").value = "your own";
    } else if (name === "preset" && PRESETS[value]) {
      state.kernel = PRESETS[value].map((row) => [...row]);
      controls();
    } else if (name === "size") {
      const k = Number(value), old = state.kernel, shift = Math.floor((k - old.length) / 2);
      state.kernel = Array.from({ length: k }, (_, i) => Array.from({ length: k }, (_, j) => old[i - shift]?.[j - shift] ?? 0));
      named("preset").value = "your own";
      controls();
    } else if (name === "padding") state.padding = value;
    else if (name === "stride" || name === "dilation") {
      const whole = Math.round(Number(value));
      if (whole >= 1 && whole <= 6) state[name] = whole;
    } else if (name === "row" || name === "column") { play(false); state[name] = Number(value); }
    else if (name === "file") return own(event.target.files[0]);
    show();
  });
  root.addEventListener("click", (event) => {
    const canvas = event.target;
    if (canvas.name === "play") return play(canvas.getAttribute("aria-pressed") !== "true");
    if (!canvas.dataset?.map) return;
    play(false);
    const box = canvas.getBoundingClientRect(), cell = Number(canvas.dataset.cell);
    let y = Math.floor((event.clientY - box.top) * canvas.height / box.height / cell);
    let x = Math.floor((event.clientX - box.left) * canvas.width / box.width / cell);
    if (canvas.dataset.map === "picture") { y = Math.floor(y / state.stride); x = Math.floor(x / state.stride); }
    state.row = y; state.column = x;
    show();
  });
  async function own(file) {
    if (!file) return;
    try {
      const bitmap = await createImageBitmap(file), scale = Math.min(1, 32 / Math.max(bitmap.width, bitmap.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(3, Math.round(bitmap.width * scale)); canvas.height = Math.max(3, Math.round(bitmap.height * scale));
      const pen = canvas.getContext("2d");
      pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      const bytes = pen.getImageData(0, 0, canvas.width, canvas.height).data;
      state.picture = Array.from({ length: canvas.height }, (_, y) => Array.from({ length: canvas.width }, (_, x) => {
        const at = 4 * (y * canvas.width + x);
        return (0.299 * bytes[at] + 0.587 * bytes[at + 1] + 0.114 * bytes[at + 2]) / 255;
      }));
      state.row = state.column = 0;
      show();
    } catch { one(".fault").textContent = "This file is no picture that the browser can read."; }
  }

  host.convolution = () => ({ ...state, output: output() });
  controls();
  show();
})
