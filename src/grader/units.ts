/**
 * Units behind a value: which words are units, which mean the same, and how they convert. A unit that is not in the table is known by its
 * name only. Prefixes, exponents (`cm^2`, `square cm`) and quotients (`m/s`) are read; everything else is left as a name.
 */
interface Unit {
  readonly dimension: string;
  /** In the base unit of the dimension. */
  readonly factor: number;
}

const table = new Map<string, Unit>();
function add(dimension: string, factor: number, names: string): void {
  for (const name of names.split(' ')) table.set(name, { dimension, factor });
}
add('length', 1, 'm meter metre');
add('length', 0.01, 'cm centimeter centimetre');
add('length', 0.001, 'mm millimeter millimetre');
add('length', 0.1, 'dm decimeter decimetre');
add('length', 1000, 'km kilometer kilometre');
add('length', 0.0254, 'in inch inche');
add('length', 0.3048, 'ft foot feet');
add('length', 0.9144, 'yd yard');
add('length', 1609.344, 'mi mile');
add('time', 1, 's sec second');
add('time', 0.001, 'ms millisecond');
add('time', 60, 'min minute');
add('time', 3600, 'h hr hour');
add('time', 86_400, 'd day');
add('time', 604_800, 'wk week');
add('mass', 1, 'g gram gramme');
add('mass', 0.001, 'mg milligram');
add('mass', 1000, 'kg kilogram kilo');
add('mass', 453.592_37, 'lb lbs pound');
add('mass', 28.349_523_125, 'oz ounce');
add('volume', 1, 'l L liter litre');
add('volume', 0.001, 'ml mL milliliter millilitre');
add('money', 1, 'dollar usd USD buck');
add('money', 0.01, 'cent ¢');
add('speed:mph', 1, 'mph');
add('angle', 1, 'degree deg');
add('angle', 180 / Math.PI, 'rad radian');

const irregular: Readonly<Record<string, string>> = {
  feet: 'ft',
  children: 'child',
  people: 'person',
  men: 'man',
  women: 'woman',
  halves: 'half',
};

/** Words that may stand behind a number without changing what it says. Variables of one letter are not among them. */
const counted = new Set(
  (
    'unit point person people student boy girl man men woman women child children book apple orange marble way time number solution ' +
    'integer egg ball card coin cup piece game page step slice dozen pair month year week day hour minute second mph ' +
    'degree percent year-old car dog cat toy bag box boxes cookie candy candies flower tree ticket bottle pencil pen ' +
    'euro usd bird chair table square triangle side edge face vertex vertices digit word letter mile gallon pint quart acre ' +
    'newton joule watt volt ampere ohm hertz hz kelvin mol mole calorie km/h kph kmh N J W V K Hz Pa kPa'
  ).split(' '),
);

const singular = (word: string): string =>
  irregular[word] ??
  (word.length > 3 && !/(?:ss|us)$/.test(word) ? word.replace(/(?<=[a-z]{2})s$/, '') : word);

export function isUnitWord(source: string): boolean {
  const words = source
    .trim()
    .replace(/\^\s*\{?\s*-?[0-9]\s*\}?|[²³]/g, '')
    .replace(/^(?:square|cubic|sq\.?|cu\.?)\s+/i, '')
    .replace(/\s+(?:old|each|in total|altogether|total)$/i, '')
    .split(/\s*(?:\/|\bper\b|\s)\s*/)
    .filter((word) => word !== '' && !/^(?:an?|the|of)$/i.test(word));
  if (words.length === 0 || words.length > 3) return false;
  return words.every((word) => {
    const one = singular(word);
    return (
      table.has(one) ||
      table.has(one.toLowerCase()) ||
      counted.has(one) ||
      counted.has(word.toLowerCase()) ||
      counted.has(singular(word.toLowerCase()))
    );
  });
}

export interface ReadUnit {
  /** `m^2`, `m/s`: bases with exponents, in a fixed order, or the plain name. */
  readonly name: string;
  /** How much of the base dimension one of it is; undefined: known by its name only. */
  readonly factor: number | undefined;
}

/** One spelling of a unit, with its factor. */
export function readUnit(source: string): ReadUnit {
  let text = source
    .replace(/[\\{}~]/g, ' ')
    .replace(/²/g, '^2')
    .replace(/³/g, '^3')
    .trim();
  let power = 1;
  const prefix = /^(square|sq\.?|cubic|cu\.?)\s+/i.exec(text);
  if (prefix !== null) {
    power = /^s/i.test(prefix[1]!) ? 2 : 3;
    text = text.slice(prefix[0].length);
  }
  const [above, below, ...more] = text.split(/\s*\/\s*|\s+per\s+/);
  const top = readPower(above ?? '', power);
  if (more.length > 0 || top === undefined) return { name: plainName(text), factor: undefined };
  if (below === undefined) return top;
  const bottom = readPower(below, 1);
  if (bottom === undefined) return { name: plainName(text), factor: undefined };
  return {
    name: `${top.name}/${bottom.name}`,
    factor: top.factor === undefined || bottom.factor === undefined ? undefined : top.factor / bottom.factor,
  };
}

function readPower(source: string, given: number): ReadUnit | undefined {
  const match = /^([A-Za-z¢]+)\.?\s*(?:\^?\s*(-?[1-9]))?$/.exec(source.trim());
  if (match === null) return undefined;
  const power = match[2] === undefined ? given : Number(match[2]);
  const word = singular(match[1]!);
  const unit = table.get(word) ?? table.get(word.toLowerCase());
  const suffix = power === 1 ? '' : `^${power}`;
  if (unit === undefined) return { name: `${word.toLowerCase()}${suffix}`, factor: undefined };
  return { name: `${unit.dimension}${suffix}`, factor: unit.factor ** power };
}

const plainName = (text: string): string => text.toLowerCase().split(/\s+/).map(singular).join(' ');
