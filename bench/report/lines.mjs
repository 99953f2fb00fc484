/** Panels of lines over numbers as SVG, side by side: whiskers where a point has a low and a high, dashes for what others published. */
import * as echarts from 'echarts'
import { FONT, INK, RULE, slim } from './charts.mjs'

const TOP = 66
const BOTTOM = 46
const LEFT = 46
const GAP = 18

/**
 * Panels `{ title, x, y, step, series: [{ name, color, dashed, dots, bars, points: [{ x, y, low, high }] }] }`, where `x` and
 * `y` name the axes and every `step` along x has a label. Returns the text of an SVG.
 */
export function linePanels(panels, { about, width = 1000, height = 330 }) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height })
  const option = { animation: false, textStyle: { fontFamily: FONT } }
  for (const part of ['title', 'legend', 'grid', 'xAxis', 'yAxis', 'series']) option[part] = []
  const room = width / panels.length
  for (const [i, panel] of panels.entries()) {
    const grid = { left: i * room + LEFT, top: TOP, width: room - LEFT - GAP, height: height - TOP - BOTTOM }
    addPanel(option, panel, grid, i)
  }
  chart.setOption(option)
  const svg = chart.renderToSVGString()
  chart.dispose()
  return slim(svg).replace(/^<svg [^>]*>/, (tag) => `${tag}\n<title>${about}</title>`)
}

function addPanel(option, panel, grid, index) {
  const font = { color: INK, fontFamily: FONT }
  const title = { ...font, fontSize: 13, fontWeight: 600 }
  option.title.push({ text: panel.title, left: grid.left, top: 9, padding: 0, textStyle: title })
  option.legend.push({
    data: panel.series.map(({ name }) => name),
    left: grid.left,
    top: 32,
    padding: 0,
    itemWidth: 18,
    itemHeight: 8,
    itemGap: 22,
    textStyle: { ...font, fontSize: 11 },
  })
  option.grid.push(grid)
  option.xAxis.push(axis(panel.x, index, { ...rangeOf(panel), axisTick: { lineStyle: { color: RULE } }, nameGap: 26 }))
  option.yAxis.push(
    axis(panel.y, index, {
      min: 0,
      max: mostOf(panel),
      splitLine: { lineStyle: { color: RULE, width: 0.5 } },
      nameGap: 30,
    }),
  )
  for (const series of panel.series) option.series.push(...seriesOf(series, index))
}

function axis(name, gridIndex, more) {
  const style = { color: INK, fontSize: 11, fontFamily: FONT }
  return {
    type: 'value',
    gridIndex,
    name,
    nameLocation: 'middle',
    nameTextStyle: style,
    axisLabel: style,
    axisLine: { lineStyle: { color: RULE } },
    splitLine: { show: false },
    ...more,
  }
}

/** Whiskers are not the chart's own, so that it does not make room for them. */
function mostOf({ series }) {
  const most = Math.max(...series.flatMap(({ points }) => points.map(({ y, high }) => high ?? y)))
  const unit = 10 ** Math.floor(Math.log10(most))
  return Math.ceil((most * 2) / unit) * (unit / 2)
}

function rangeOf({ series, step }) {
  const xs = series.flatMap(({ points }) => points.map(({ x }) => x))
  const [min, max] = [Math.min(...xs), Math.max(...xs)]
  const margin = (max - min) * 0.04
  return { min: step ? min : min - margin, max: max + margin, interval: step, axisLabel: tidy(min, max) }
}

/** No label at the ends, which are not whole. */
function tidy(min, max) {
  const style = { color: INK, fontSize: 11, fontFamily: FONT, showMaxLabel: false }
  return { ...style, formatter: (value) => (value < min - 1e-9 || value > max + 1e-9 ? '' : String(value)) }
}

function seriesOf({ name, color, dashed, dots, bars, points }, index) {
  const axes = { xAxisIndex: index, yAxisIndex: index, silent: true }
  const data = points.map(({ x, y }) => [x, y])
  const whiskers = points.filter(({ low }) => low !== undefined).map(({ x, low, high }) => [x, low, high])
  const drawn = bars
    ? { ...axes, name, type: 'bar', barWidth: '55%', itemStyle: { color }, data }
    : {
        ...axes,
        name,
        type: 'line',
        symbolSize: dashed ? 5 : 6,
        symbol: dashed ? 'emptyCircle' : 'circle',
        itemStyle: { color },
        lineStyle: { color, width: dots ? 0 : 1.6, ...(dashed && { type: 'dashed' }) },
        data,
      }
  if (whiskers.length === 0) return [drawn]
  return [drawn, { ...axes, type: 'custom', data: whiskers, renderItem: (_, api) => whisker(api, color) }]
}

function whisker(api, color) {
  const [x, low] = api.coord([api.value(0), api.value(1)])
  const [, high] = api.coord([api.value(0), api.value(2)])
  const tick = (y) => `M${x - 3} ${y}L${x + 3} ${y}`
  const pathData = `M${x} ${low}L${x} ${high}${tick(low)}${tick(high)}`
  return { type: 'path', shape: { pathData }, style: { stroke: color, fill: 'none', lineWidth: 1, opacity: 0.6 } }
}
