// The arithmetic of a stack of layers in one dimension, apart from all drawing. Row 0 is the input,
// row n what layer n gives; unit j of a row lies over pixel origin + j·jump.
function layered(state, pooling) {
  function stack() {
    const rows = [{ size: state.size, jump: 1, field: 1, origin: 0 }];
    for (const { kernel, stride, dilation } of state.layers) {
      const below = rows.at(-1), row = places(below.size, kernel, { stride, dilation, padding: state.padding });
      rows.push({
        ...row, size: below.size && row.size, jump: below.jump * stride,
        field: below.field + (kernel - 1) * dilation * below.jump,
        origin: below.origin + ((row.reach - 1) / 2 - row.before) * below.jump,
      });
    }
    return rows;
  }
  // The units of row − 1 that unit j of a row looks at; those outside it are padding.
  function looksAt(rows, row, j) {
    const { kernel, stride, dilation } = state.layers[row - 1];
    return Array.from({ length: kernel }, (_, i) => j * stride + i * dilation - rows[row].before);
  }
  // For each row up to the chosen unit's: on which units it depends, and in how many ways.
  function cone(rows, row, unit) {
    const ways = Array.from({ length: row + 1 }, () => new Map());
    ways[row].set(unit, 1);
    for (let r = row; r > 0; r--) for (const [j, count] of ways[r]) {
      if (j < 0 || j >= rows[r].size) continue; // padding depends on nothing
      for (const i of looksAt(rows, r, j)) ways[r - 1].set(i, (ways[r - 1].get(i) ?? 0) + count);
    }
    return ways;
  }
  // With all weights 1: a convolution adds up, max pooling keeps the largest and never padding.
  function values(rows) {
    const found = [Array.from({ length: state.size }, (_, i) => (i * 7 + (i >> 2) * 3) % 10)];
    state.layers.forEach(({ kind }, below) => {
      found.push(Array.from({ length: rows[below + 1].size }, (_, j) => {
        const seen = looksAt(rows, below + 1, j).map((i) => found[below][i]).filter((v) => v !== undefined);
        return kind === pooling ? Math.max(...seen) : seen.reduce((sum, v) => sum + v, 0);
      }));
    });
    return found;
  }
  // Where a maximum comes from: one unit a row, down to the first layer that adds up.
  function winners(row, unit, rows, value) {
    const found = new Map();
    for (let r = row; r > 0 && state.layers[r - 1].kind === pooling; r--) {
      unit = looksAt(rows, r, unit).find((i) => value[r - 1][i] === value[r][unit]);
      found.set(r - 1, unit);
    }
    return found;
  }
  // All of it, for the chosen unit; in the last row that has any where its own has none.
  function now() {
    const rows = stack(), row = Math.min(state.row, rows.findLastIndex(({ size }) => size > 0));
    const unit = Math.round(state.share * (rows[row].size - 1)), value = values(rows);
    return { rows, row, unit, value, ways: cone(rows, row, unit), won: winners(row, unit, rows, value) };
  }
  return { now, looksAt };
}
