/** The charts of docs/evaluation.md: a name for the file, and the SVG. */
import { linePanels } from '../report/lines.mjs'
import { CHURN, CHURN_RANGES, FAILURE, LOAD, meanPath, STRETCH } from './published.mjs'

const OURS = '#d9673c'
const PALE = '#e3a888'
const PUBLISHED = '#5b86c4'

const PLOTS = { path: pathPlot, load: loadPlot, failure: failurePlot, churn: churnPlot, stretch: stretchPlot }

/** Of the parts that were measured and have one. */
export function paperPlots(parts) {
  return Object.entries(parts).flatMap(([part, figures]) => PLOTS[part]?.(figures) ?? [])
}

function pathPlot({ rows, distribution }) {
  const points = (name) =>
    rows.map((row) => ({ x: row.exponent, y: row[name].mean, low: row[name].p1, high: row[name].p99 }))
  const theory = rows.map(({ exponent }) => ({ x: exponent, y: meanPath(2 ** exponent) }))
  const hops = (shares) => shares.map((share, x) => ({ x, y: share }))
  const panels = [
    {
      title: 'Hops against nodes: mean, p1 to p99',
      x: 'log₂ of the number of nodes',
      y: 'hops',
      step: 1,
      series: [
        { name: 'as the paper counts', color: OURS, points: points('paper') },
        { name: 'published: ½ log₂ N', color: PUBLISHED, dashed: true, points: theory },
      ],
    },
    {
      title: `Distribution at 2^${distribution.exponent} nodes`,
      x: 'hops',
      y: 'share of look-ups',
      series: [
        { name: 'ours', color: PALE, bars: true, points: hops(distribution.shares) },
        {
          name: `Binomial(${distribution.exponent}, ½)`,
          color: PUBLISHED,
          dashed: true,
          points: hops(distribution.theory),
        },
      ],
    },
  ]
  return { name: 'paper-path', svg: linePanels(panels, { about: 'Path length against the number of nodes' }) }
}

function loadPlot({ rows }) {
  const given = (name) => rows.filter((row) => LOAD[row.virtualNodes]).map((row) => [row, LOAD[row.virtualNodes][name]])
  const panel = (name, title) => ({
    title,
    x: 'virtual nodes of a node',
    y: 'keys ÷ mean',
    series: [
      { name: 'ours', color: OURS, points: rows.map((row) => ({ x: row.virtualNodes, y: row[name] })) },
      { name: 'Gamma', color: PALE, points: rows.map((row) => ({ x: row.virtualNodes, y: row.theory[name] })) },
      {
        name: 'published',
        color: PUBLISHED,
        dashed: true,
        dots: true,
        points: given(name).map(([row, y]) => ({ x: row.virtualNodes, y })),
      },
    ],
  })
  const panels = [panel('p99', 'Load: 99th percentile'), panel('p1', 'Load: 1st percentile')]
  return { name: 'paper-load', svg: linePanels(panels, { about: 'Keys of a node against its virtual nodes' }) }
}

function failurePlot({ rows }) {
  const published = (name) => FAILURE.map((row) => ({ x: row.share, y: row[name] }))
  const timeouts = (way) => rows.map((row) => ({ x: row.share, y: row[way].timeouts.mean }))
  const paths = rows.map(({ share, iterative: { path } }) => ({ x: share, y: path.mean, low: path.p1, high: path.p99 }))
  const panels = [
    {
      title: 'Hops after simultaneous failures: mean, p1 to p99',
      x: 'share of nodes that failed',
      y: 'hops',
      series: [
        { name: 'ours', color: OURS, points: paths },
        { name: 'published', color: PUBLISHED, dashed: true, points: published('mean') },
      ],
    },
    {
      title: 'Timeouts of a look-up',
      x: 'share of nodes that failed',
      y: 'timeouts',
      series: [
        { name: 'ours, iterative', color: OURS, points: timeouts('iterative') },
        { name: 'ours, recursive', color: PALE, points: timeouts('recursive') },
        { name: 'published', color: PUBLISHED, dashed: true, points: published('timeouts') },
      ],
    },
  ]
  return { name: 'paper-failure', svg: linePanels(panels, { about: 'Look-ups after simultaneous failures' }) }
}

function churnPlot({ rows }) {
  const died = rows.filter(({ way }) => way === 'crash')
  const failed = (way, name) =>
    rows.filter((row) => row.way === way).map((row) => ({ x: row.rate, y: (row[name].failed * 10_000) / row.seconds }))
  const panels = [
    {
      title: 'Timeouts of a look-up',
      x: 'joins and failures a second, each',
      y: 'timeouts',
      series: [
        {
          name: 'ours, one attempt',
          color: OURS,
          points: died.map(({ rate, once }) => ({ x: rate, y: once.timeouts.mean })),
        },
        {
          name: 'published, least and most',
          color: PUBLISHED,
          dashed: true,
          dots: true,
          points: CHURN_RANGES.timeouts.map((y, i) => ({ x: CHURN.at(i === 0 ? 0 : -1).rate, y })),
        },
      ],
    },
    {
      title: 'Failed look-ups of 10,000',
      x: 'joins and failures a second, each',
      y: 'failed',
      series: [
        { name: 'ours, with retry', color: OURS, points: failed('crash', 'retried') },
        { name: 'ours, one attempt', color: PALE, points: failed('crash', 'once') },
        {
          name: 'published',
          color: PUBLISHED,
          dashed: true,
          points: CHURN.map((row) => ({ x: row.rate, y: row.failed })),
        },
      ],
    },
  ]
  return { name: 'paper-churn', svg: linePanels(panels, { about: 'Look-ups while nodes join and fail' }) }
}

function stretchPlot({ rows }) {
  const points = (who, route) =>
    rows
      .filter((row) => row[who])
      .map((row) => ({
        x: row.exponent,
        y: row[who][route].median,
        low: row[who][route].p10,
        high: row[who][route].p90,
      }))
  const panel = (who, title) => ({
    title,
    x: 'log₂ of the number of nodes',
    y: 'stretch',
    step: 2,
    series: [
      { name: 'iterative', color: PALE, points: points(who, 'iterative') },
      { name: 'recursive', color: OURS, points: points(who, 'recursive') },
      ...(who === 'paper'
        ? ['iterative', 'recursive'].map((route) => ({
            name: `published, ${route}`,
            color: PUBLISHED,
            dashed: true,
            points: [{ x: STRETCH.exponent, y: STRETCH[route] }],
          }))
        : []),
    ],
  })
  const panels = [
    panel('paper', 'As the paper counts: median, p10 to p90'),
    panel('ours', 'Until the owner has answered'),
  ]
  return { name: 'paper-stretch', svg: linePanels(panels, { about: 'Stretch of look-ups, recursive and iterative' }) }
}
