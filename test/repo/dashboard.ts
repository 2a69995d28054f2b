interface Target {
  readonly refId: string
  readonly expr: string
  readonly legendFormat: string
  readonly datasource: Datasource
}

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly datasource?: Datasource
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly Target[]
}

export interface Dashboard {
  readonly id?: unknown
  readonly uid: string
  readonly title: string
  readonly schemaVersion: number
  readonly templating: { readonly list: readonly Variable[] }
  readonly panels: readonly Panel[]
}

interface Datasource {
  readonly type: string
  readonly uid: string
}

interface Variable {
  readonly name: string
  readonly type: string
  readonly query: string | { readonly query: string }
  readonly datasource?: Datasource
}

/** Panels that every Grafana brings along. */
const PANEL_TYPES = ['row', 'timeseries', 'stat', 'state-timeline', 'table']
const COLUMNS = 24
const DATASOURCE = `\${datasource}`

/** Every expression of the panels, with the panel's title. */
export function dashboardExpressions({
  panels,
}: Dashboard): { readonly title: string; readonly expr: string }[] {
  return panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })))
}

/** The metrics that variables take their values from. */
export function variableMetrics({ templating }: Dashboard): string[] {
  return templating.list.flatMap(({ query }) => {
    const [, metric] =
      /^label_values\((\w+), \w+\)$/.exec(typeof query === 'string' ? query : query.query) ?? []
    return metric === undefined ? [] : [metric]
  })
}

/** What would keep Grafana from showing the dashboard as it is meant: one line each. */
export function dashboardFaults(dashboard: Dashboard): string[] {
  const { panels, templating } = dashboard
  const variables = templating.list.map(({ name }) => name)
  return [
    ...(dashboard.uid === '' ? ['no uid, so it is another one each time it is provisioned'] : []),
    ...(dashboard.id === undefined ? [] : ['an id, which belongs to one installation']),
    ...repeated(panels.map(({ id }) => id)).map((id) => `id ${id} stands twice`),
    ...repeated(variables).map((name) => `variable ${name} stands twice`),
    ...templating.list
      .filter((one) => one.datasource !== undefined)
      .flatMap((one) => datasourceFaults(one.name, one.datasource)),
    ...panels.flatMap((panel) => panelFaults(panel, variables)),
    ...overlaps(panels),
  ]
}

function panelFaults(panel: Panel, variables: readonly string[]): string[] {
  const { title, type, gridPos, targets = [] } = panel
  const faults = [
    ...(Number.isInteger(panel.id) && panel.id > 0 ? [] : ['its id is no positive integer']),
    ...(title ? [] : ['it has no title']),
    ...(PANEL_TYPES.includes(type) ? [] : [`it is a ${type}, which not every Grafana has`]),
    ...(gridPos.x >= 0 && gridPos.w > 0 && gridPos.h > 0 && gridPos.x + gridPos.w <= COLUMNS
      ? []
      : ['it lies outside the grid']),
    ...(type === 'row' || panel.description ? [] : ['nothing says what it shows']),
    ...(type === 'row' || targets.length > 0 ? [] : ['it asks for nothing']),
    ...repeated(targets.map(({ refId }) => refId)).map((refId) => `target ${refId} stands twice`),
    ...targets.flatMap(({ expr }) =>
      unknownVariables(expr, variables).map((name) => `nothing is called $${name}`),
    ),
    ...(type === 'row'
      ? []
      : [panel, ...targets].flatMap(({ datasource }) => datasourceFaults('it', datasource))),
  ]
  return faults.map((fault) => `panel "${title}" (${panel.id}): ${fault}`)
}

function unknownVariables(expr: string, variables: readonly string[]): string[] {
  return [...expr.matchAll(/\$(\w+)/g)].flatMap(([, name = '']) =>
    variables.includes(name) || name.startsWith('__') ? [] : [name],
  )
}

function datasourceFaults(what: string, datasource: Datasource | undefined): string[] {
  const isVariable = datasource?.type === 'prometheus' && datasource.uid === DATASOURCE
  return isVariable ? [] : [`${what} asks another data source than the one that is chosen`]
}

function overlaps(panels: readonly Panel[]): string[] {
  return panels.flatMap((one, index) =>
    panels
      .slice(index + 1)
      .filter((other) => overlap(one.gridPos, other.gridPos))
      .map((other) => `panels ${one.id} and ${other.id} lie on each other`),
  )
}

function overlap(one: Panel['gridPos'], other: Panel['gridPos']): boolean {
  return (
    one.x < other.x + other.w &&
    other.x < one.x + one.w &&
    one.y < other.y + other.h &&
    other.y < one.y + one.h
  )
}

function repeated<T>(values: readonly T[]): T[] {
  return values.filter((value, index) => values.indexOf(value) !== index)
}
