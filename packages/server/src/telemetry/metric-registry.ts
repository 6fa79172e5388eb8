/** For durations. Unit: seconds. */
export const secondsBuckets = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60] as const;

export type Labels<L extends string> = Readonly<Record<L, string>>;

interface MetricOptions<L extends string> {
  /** Prometheus name, with unit, and `_total` for counters. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly L[];
  readonly maxSeries?: number;
}

type MetricType = "counter" | "gauge" | "histogram";

interface SeriesOptions {
  readonly labels?: readonly string[];
  /** What comes after is counted under the label value `other`: a scrape stays small for ever. */
  readonly maxSeries?: number;
}

const defaultMaxSeries = 500;

/** Values of one metric by label values. */
class SeriesMap<V> {
  readonly #labels: readonly string[];
  readonly #series = new Map<string, { readonly labels: string; readonly value: V }>();
  readonly #create: () => V;
  readonly #maxSeries: number;

  constructor({ labels = [], maxSeries = defaultMaxSeries }: SeriesOptions, create: () => V) {
    this.#labels = labels;
    this.#create = create;
    this.#maxSeries = maxSeries;
    if (labels.length === 0) this.at({});
  }

  at(labels: Readonly<Record<string, string>>): V {
    const values = this.#labels.map((label) => labels[label] ?? "");
    const known = this.#series.get(values.join("\0"));
    if (known) return known.value;
    return this.#series.size < this.#maxSeries ? this.#add(values) : this.#overflow();
  }

  #overflow(): V {
    const values = this.#labels.map(() => "other");
    return this.#series.get(values.join("\0"))?.value ?? this.#add(values);
  }

  #add(values: readonly string[]): V {
    const labels = this.#labels.map((label, index) => `${label}="${escapeLabel(values[index] ?? "")}"`).join(",");
    const value = this.#create();
    this.#series.set(values.join("\0"), { labels, value });
    return value;
  }

  *[Symbol.iterator](): Generator<readonly [labels: string, value: V]> {
    for (const { labels, value } of this.#series.values()) yield [labels, value];
  }
}

interface Rendered {
  samples(): Iterable<string>;
}

/** Only goes up. */
export class Counter<L extends string = never> implements Rendered {
  readonly #name: string;
  readonly #series: SeriesMap<{ value: number }>;

  constructor(options: MetricOptions<L>) {
    this.#name = options.name;
    this.#series = new SeriesMap(options, () => ({ value: 0 }));
  }

  add(labels: Labels<L>, by = 1): void {
    this.#series.at(labels).value += by;
  }

  *samples(): Generator<string> {
    for (const [labels, { value }] of this.#series) yield sample(this.#name, labels, value);
  }
}

/** A value that goes up and down: set, or asked for at each scrape. */
export class Gauge<L extends string = never> implements Rendered {
  readonly #name: string;
  readonly #series: SeriesMap<{ value: number }>;
  #observe: () => void = () => {};

  constructor(options: MetricOptions<L>) {
    this.#name = options.name;
    this.#series = new SeriesMap(options, () => ({ value: 0 }));
  }

  set(labels: Labels<L>, value: number): void {
    this.#series.at(labels).value = value;
  }

  add(labels: Labels<L>, by: number): void {
    this.#series.at(labels).value += by;
  }

  /** Runs before each scrape; it calls `set`. */
  onScrape(observe: (gauge: this) => void): this {
    this.#observe = () => observe(this);
    return this;
  }

  *samples(): Generator<string> {
    this.#observe();
    for (const [labels, { value }] of this.#series) yield sample(this.#name, labels, value);
  }
}

/** Counts observations by size. */
export class Histogram<L extends string = never> implements Rendered {
  readonly #name: string;
  readonly #bounds: readonly number[];
  readonly #series: SeriesMap<{ readonly counts: number[]; sum: number; count: number }>;

  constructor(options: MetricOptions<L>, bounds: readonly number[]) {
    this.#name = options.name;
    this.#bounds = bounds;
    this.#series = new SeriesMap(options, () => ({ counts: bounds.map(() => 0), sum: 0, count: 0 }));
  }

  observe(labels: Labels<L>, value: number): void {
    const series = this.#series.at(labels);
    series.sum += value;
    series.count += 1;
    const index = this.#bounds.findIndex((bound) => value <= bound);
    if (index >= 0) series.counts[index] = (series.counts[index] ?? 0) + 1;
  }

  *samples(): Generator<string> {
    for (const [labels, { counts, sum, count }] of this.#series) {
      let below = 0;
      const prefix = labels === "" ? "" : `${labels},`;
      for (const [index, bound] of this.#bounds.entries()) {
        below += counts[index] ?? 0;
        yield sample(`${this.#name}_bucket`, `${prefix}le="${bound}"`, below);
      }
      yield sample(`${this.#name}_bucket`, `${prefix}le="+Inf"`, count);
      yield sample(`${this.#name}_sum`, labels, sum);
      yield sample(`${this.#name}_count`, labels, count);
    }
  }
}

/** The metrics of one process, written in Prometheus's text format 0.0.4. */
export class MetricRegistry {
  static readonly contentType = "text/plain; version=0.0.4; charset=utf-8";
  readonly #metrics = new Map<string, { readonly head: string; readonly metric: Rendered }>();
  readonly #maxSeries: number;

  /** `maxSeries`: of one metric; what comes after is counted under the label value `other`. */
  constructor(maxSeries = defaultMaxSeries) {
    this.#maxSeries = maxSeries;
  }

  counter<const L extends string = never>(options: MetricOptions<L>): Counter<L> {
    return this.#register(options, "counter", new Counter(this.#bounded(options)));
  }

  gauge<const L extends string = never>(options: MetricOptions<L>): Gauge<L> {
    return this.#register(options, "gauge", new Gauge(this.#bounded(options)));
  }

  /** A counter that is kept elsewhere and asked for at each scrape: set it in `onScrape`. */
  observedCounter<const L extends string = never>(options: MetricOptions<L>): Gauge<L> {
    return this.#register(options, "counter", new Gauge(this.#bounded(options)));
  }

  histogram<const L extends string = never>(
    options: MetricOptions<L>,
    bounds: readonly number[] = secondsBuckets,
  ): Histogram<L> {
    return this.#register(options, "histogram", new Histogram(this.#bounded(options), bounds));
  }

  render(): string {
    const lines: string[] = [];
    for (const { head, metric } of this.#metrics.values()) lines.push(head, ...metric.samples());
    return `${lines.join("\n")}\n`;
  }

  #bounded<L extends string>(options: MetricOptions<L>): MetricOptions<L> {
    return { maxSeries: this.#maxSeries, ...options };
  }

  #register<M extends Rendered>({ name, help }: MetricOptions<string>, type: MetricType, metric: M): M {
    if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`not a metric name: ${name}`);
    if (this.#metrics.has(name)) throw new Error(`metric ${name} is registered twice`);
    const text = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
    this.#metrics.set(name, { head: `# HELP ${name} ${text}\n# TYPE ${name} ${type}`, metric });
    return metric;
  }
}

function sample(name: string, labels: string, value: number): string {
  return labels === "" ? `${name} ${value}` : `${name}{${labels}} ${value}`;
}

function escapeLabel(value: string): string {
  return value.slice(0, 200).replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
