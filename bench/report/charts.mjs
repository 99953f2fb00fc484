/** Panels of horizontal bars as SVG: one panel for each comparison, each with a scale of its own, whiskers for quartiles. */
import * as echarts from 'echarts'
import { figure } from '../lib/table.mjs'

/** In between: readable on white and on black, so that one file serves both. */
export const INK = '#737b86'
export const RULE = 'rgba(128,136,148,0.4)'
export const FONT = 'system-ui,Helvetica,Arial,sans-serif'
const BAR_HEIGHT = 21
const TITLE_HEIGHT = 40
const GAP = 16
/** Of a panel's width, for the figure beside the longest bar. */
const FIGURE_SHARE = 0.3

/**
 * `rows` of panels `{ title, corner, named, bars: [{ name, color, value: { median, p25, p75 } | undefined }] }`. Panels
 * that are not `named` share the names of the one to their left; `corner` is said above names. `about` is the title
 * for those who cannot see it. Returns the text of an SVG.
 */
export function barPanels(rows, { about, width = 1000, namesWidth = 145 }) {
  const places = layOut(rows, width, namesWidth)
  const height = places.at(-1).top + places.at(-1).height + 6
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height })
  const option = { animation: false, textStyle: { fontFamily: FONT } }
  chart.setOption(
    Object.assign(option, ...['title', 'grid', 'xAxis', 'yAxis', 'series'].map((part) => ({ [part]: [] }))),
  )
  for (const [i, panel] of rows.flat().entries()) addPanel(option, panel, places[i], i)
  chart.setOption(option)
  const svg = chart.renderToSVGString()
  chart.dispose()
  return slim(svg).replace(/^<svg [^>]*>/, (tag) => `${tag}\n<title>${about}</title>`)
}

/** Where the bars of each panel are, in the order of `rows.flat()`. */
function layOut(rows, width, namesWidth) {
  const places = []
  let top = 0
  for (const row of rows) {
    const room = (width - namesWidth * row.filter((panel) => panel.named).length) / row.length
    let left = 0
    for (const { named, bars } of row) {
      if (named) left += namesWidth
      places.push({ left, top: top + TITLE_HEIGHT, width: room - GAP, height: bars.length * BAR_HEIGHT })
      left += room
    }
    top += TITLE_HEIGHT + Math.max(...row.map(({ bars }) => bars.length)) * BAR_HEIGHT
  }
  return places
}

function addPanel(option, { title, corner, named, bars }, grid, index) {
  const most = Math.max(...bars.map(({ value }) => value?.p75 ?? 0))
  const titleStyle = { color: INK, fontSize: 13, fontWeight: 600, fontFamily: FONT }
  const titles = corner === undefined ? { [title]: grid.left } : { [title]: grid.left, [corner]: 0 }
  for (const [text, left] of Object.entries(titles)) {
    option.title.push({ text, left, top: grid.top - 23, padding: 0, textStyle: titleStyle })
  }
  option.grid.push(grid)
  option.xAxis.push({ type: 'value', gridIndex: index, min: 0, max: most / (1 - FIGURE_SHARE), show: false })
  option.yAxis.push({
    type: 'category',
    gridIndex: index,
    inverse: true,
    data: bars.map(({ name }) => name),
    axisTick: { show: false },
    axisLine: { lineStyle: { color: RULE } },
    axisLabel: { show: named === true, color: INK, fontSize: 12, fontFamily: FONT },
  })
  const axes = { xAxisIndex: index, yAxisIndex: index, silent: true }
  const data = bars.map(({ color, value }) => ({ value: value?.median ?? 0, itemStyle: { color } }))
  const spreads = bars.flatMap(({ value }, i) => (value === undefined ? [] : [[value.p25, value.p75, i, value.median]]))
  option.series.push({ ...axes, type: 'bar', barWidth: 13, data })
  option.series.push({ ...axes, type: 'custom', data: spreads, renderItem: whisker })
}

/** From quartile to quartile, then the median as a figure. */
function whisker(_, api) {
  const at = (value) => api.coord([value, api.value(2)])
  const [low, y] = at(api.value(0))
  const [high] = at(api.value(1))
  const tick = (x) => `M${x} ${y - 3}L${x} ${y + 3}`
  const path = { type: 'path', shape: { pathData: `M${low} ${y}L${high} ${y}${tick(low)}${tick(high)}` } }
  path.style = { stroke: INK, fill: 'none', lineWidth: 1.2 }
  const text = figure(api.value(3))
  const font = { fill: INK, fontSize: 11, fontFamily: FONT, textVerticalAlign: 'middle' }
  const label = { type: 'text', style: { ...font, text, x: Math.max(high, at(api.value(3))[0]) + 5, y } }
  return { type: 'group', children: [path, label] }
}

/** Without what only an interactive chart needs, the font said once, and tenths of a pixel: a third of the size. */
export function slim(svg) {
  return `${svg
    .replace(/<style >[\s\S]*?<\/style>\n?/g, '')
    .replace(/ (ecmeta_\w+|class|pointer-events|xml:space|stroke-linecap)="[^"]*"/g, '')
    .replaceAll(`font-family:${FONT};`, '')
    .replace('<svg ', `<svg font-family="${FONT}" `)
    .replace(/<[^>]+>/g, (tag) => tag.replace(/-?\d+\.\d{2,}/g, (number) => String(Math.round(number * 10) / 10)))
    .replace(/\n{2,}/g, '\n')
    .trim()}\n`
}
