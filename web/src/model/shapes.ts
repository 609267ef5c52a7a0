/**
 * The map's symbols. A new one is an entry of `TABLE`: its outline, and the ICAO type designators that it stands for.
 *
 * The outlines were drawn for this project, in a square from −1 to 1 with the nose up. They are schematic: engines, wings
 * and tails are as large as they must be to be told apart at 20 pixels.
 */

import { patternTest } from "./facts.ts";

interface Entry {
  /** An SVG path whose parts turn clockwise. The rings are drawn as strokes instead. */
  readonly path: string;
  /** Type designators, separated by spaces, with `*` and `?` as in filters. */
  readonly types?: string;
  /** Relative to an airliner; 1 by default. */
  readonly size?: number;
  /**
   * Where the nose points: along the track, so that an aircraft without one is a dot; along the track as far as it is
   * known; or always up. By default `track`.
   */
  readonly nose?: "track" | "any" | "up";
}

/** A symmetric outline from the corners of its right half, top to bottom. */
function mirrored(half: string): string {
  const right = half.split(" ").map((corner) => corner.split(",").map(Number) as [number, number]);
  const left = right.filter(([x]) => x !== 0).map(([x, y]): [number, number] => [-x, y]);
  return `M${[...right, ...left.reverse()].map((corner) => corner.join(" ")).join("L")}Z`;
}

/** A rectangle around its middle. */
function box(x: number, y: number, width: number, height: number): string {
  return `M${x - width / 2} ${y - height / 2}h${width}v${height}h${-width}Z`;
}

/** A rectangle on each side. */
function boxes(x: number, y: number, width: number, height: number): string {
  return box(x, y, width, height) + box(-x, y, width, height);
}

function circle(x: number, y: number, radius: number): string {
  return `M${x} ${y - radius}a${radius} ${radius} 0 0 1 0 ${2 * radius}a${radius} ${radius} 0 0 1 0 ${-2 * radius}Z`;
}

/** Rotor blades from the middle of a rotor outwards, the first one at an angle in degrees. */
function rotor(x: number, y: number, radius: number, blades: number, first: number): string {
  return Array.from({ length: blades }, (_, blade) => {
    const angle = ((first + (360 / blades) * blade) * Math.PI) / 180;
    const [dx, dy] = [Math.sin(angle), -Math.cos(angle)];
    const corner = (along: number, across: number): string =>
      `${(x + dx * along - dy * across).toFixed(3)} ${(y + dy * along + dx * across).toFixed(3)}`;
    const half = 0.055;
    return `M${corner(0, -half)}L${corner(radius, -half)}L${corner(radius, half)}L${corner(0, half)}Z`;
  }).join("");
}

const AIRLINER = "0,-.95 .09,-.85 .12,-.7 .12,-.3 .9,.22 .9,.36 .12,.12 .1,.56 .36,.76 .36,.88 0,.8";
const HEAVY = "0,-1 .12,-.88 .16,-.7 .16,-.34 1,.3 1,.44 .16,.16 .13,.6 .42,.82 .42,.96 0,.86";
const STRAIGHT_WING = "0,-.85 .09,-.76 .11,-.6 .11,-.28 .95,-.2 .95,0 .11,.06 .08,.6 .36,.66 .36,.82 0,.8";

const TABLE = {
  jet: {
    path:
      "M0-.92C.1-.92.14-.75.14-.55V-.28L.86.16V.34L.14.14V.52L.36.7V.84L0 .74-.36.84V.7L-.14.52V.14L-.86.34V.16" +
      "L-.14-.28V-.55C-.14-.75-.1-.92 0-.92Z",
    size: 0.9,
  },
  narrow: {
    path: mirrored(AIRLINER) + boxes(0.38, -0.2, 0.15, 0.4),
    types:
      "A318 A319 A320 A321 A19N A20N A21N BCS1 BCS3 B73? B37M B38M B39M B3XM B75? C919 T204 MC23 E170 E190 E195 E290 E295 E75? P8",
  },
  wide: {
    path: mirrored(HEAVY) + boxes(0.42, -0.25, 0.2, 0.44),
    types: "A306 A30B A310 A332 A333 A337 A338 A339 A359 A35K B762 B763 B764 B77? B78? IL86 A3ST",
    size: 1.2,
  },
  four: {
    path: mirrored(HEAVY) + boxes(0.36, -0.32, 0.15, 0.4) + boxes(0.7, -0.06, 0.15, 0.4),
    types: "A388 A34? B70? B720 B74? BLCF DC8? IL62 IL96 RJ70 RJ85 RJ1H B46? CONC VC10 A225",
    size: 1.3,
  },
  trijet: {
    path: mirrored(HEAVY) + boxes(0.42, -0.25, 0.18, 0.4) + box(0, 0.78, 0.3, 0.4),
    types: "MD11 DC10 L101 B721 B722 B727 YK40 YK42 T154",
    size: 1.2,
  },
  regional: {
    path:
      mirrored("0,-.98 .09,-.86 .1,-.7 .1,-.16 .8,.24 .8,.38 .1,.2 .1,.68 .4,.78 .4,.92 0,.86") +
      boxes(0.24, 0.42, 0.14, 0.34),
    types: "CRJ? E135 E145 E45X F70 F100 F28 MD8? MD90 B712 DC9? T134 AJ27 SU95 J328",
    size: 0.95,
  },
  turboprop: {
    path: mirrored(STRAIGHT_WING) + boxes(0.4, -0.26, 0.13, 0.4) + boxes(0.4, -0.46, 0.4, 0.07),
    types:
      "AT43 AT44 AT45 AT46 AT72 AT73 AT75 AT76 DH8? DHC6 SF34 SB20 F27 F50 JS3? JS4? D328 D228 E110 E120 SW4 SW3 B190 BE20 " +
      "BE30 BE9? B350 C295 CN35 AN24 AN26 AN32 L410 SH36 SH33 P180 C425 C441 PAY? MU2 AC90 Y12 MA60 C27J BE99",
    size: 0.95,
  },
  fourprop: {
    path:
      mirrored("0,-.92 .13,-.82 .16,-.6 .16,-.24 1,-.18 1,.02 .16,.1 .12,.62 .46,.7 .46,.86 0,.82") +
      boxes(0.36, -0.26, 0.11, 0.36) +
      boxes(0.7, -0.24, 0.11, 0.32) +
      boxes(0.36, -0.45, 0.26, 0.07) +
      boxes(0.7, -0.41, 0.26, 0.07),
    types: "C130 C30J A400 P3 AN12 AN22 IL18 IL38 L188 TU95 T142 Y8 DHC7",
    size: 1.15,
  },
  single: {
    path:
      mirrored("0,-.78 .1,-.72 .12,-.5 .85,-.44 .85,-.18 .12,-.12 .07,.54 .34,.6 .34,.78 0,.76") +
      box(0, -0.82, 0.5, 0.08),
    types:
      "C150 C152 C162 C170 C172 C175 C177 C180 C182 C185 C188 C206 C207 C208 C210 C72R C82R C82T P28? " +
      "P46T PA11 PA12 PA18 PA20 PA22 PA24 PA25 PA32 PA38 PA46 P208 PA28 SR20 SR22 S22T DA40 DV20 DR40 DR22 DR10 BE23 " +
      "BE33 BE35 BE36 M20? TB10 TB20 TB21 TB9 TOBA AA5 AA1 PC12 PC6T PC7 PC21 TBM? KODI RV* " +
      "G115 G109 R200 CH7A CH7B BL8 GLAS COL3 COL4 LNC? EPIC E500 T6 TEX2 TUCA E314 AT3 AT5T AT8T AT50 AT80 T34P T34T " +
      "SF25 SIRA Z42 Z43 Z50 YK18 YK52 EA30 EXTR CAP? RALL MS88 D140 HR20 ECHO BREZ",
    size: 0.78,
  },
  twin: {
    path:
      mirrored("0,-.84 .1,-.74 .12,-.5 .12,-.36 .88,-.26 .88,-.04 .12,.02 .08,.56 .36,.62 .36,.8 0,.78") +
      boxes(0.38, -0.34, 0.14, 0.36) +
      boxes(0.38, -0.5, 0.32, 0.07),
    types:
      "PA23 PA27 PA30 PA31 PA34 PA44 PA60 BE55 BE56 BE58 BE60 BE65 BE76 BE80 BE95 C303 C310 C320 C335 C336 C337 C340 C401 " +
      "C402 C404 C414 C421 DA42 DA62 P68 P68T BN2P BN2T BN2A AC50 AC56 AC68 AEST DC3 C47 GA7 TVLB",
    size: 0.85,
  },
  biplane: {
    path:
      mirrored("0,-.74 .12,-.66 .12,.54 .4,.6 .4,.78 0,.76") +
      box(0, -0.44, 1.8, 0.2) +
      box(0, -0.06, 1.5, 0.18) +
      box(0, -0.8, 0.46, 0.08),
    types: "AN2 AN3 PTS1 PTS2 BU33 BU31 DH82 ST75 ST76 G164 UG1 WACO WACF SKYB",
    size: 0.8,
  },
  business: {
    path:
      mirrored("0,-1 .08,-.84 .1,-.6 .1,-.02 .7,.34 .7,.46 .1,.3 .08,.66 .34,.8 .34,.92 0,.84") +
      boxes(0.21, 0.44, 0.12, 0.3),
    types:
      "C25? C500 C501 C510 C525 C526 C550 C551 C55B C560 C56X C650 C680 C68A C700 C750 CL30 CL35 CL60 GLF? GL5T GL7T GLEX " +
      "GALX G150 G280 GA5C GA6C GA7C GA8C ASTR FA10 FA20 FA50 FA6X FA7X FA8X F2TH F900 H25? H25A H25B HA4T PRM1 BE40 " +
      "LJ?? LJ35 E50P E55P E545 E550 EA50 HDJT PC24 SF50 MU30 SBR1 WW24 L29A L29B HF20 E35L",
    size: 0.85,
  },
  fighter: {
    path: mirrored("0,-1 .07,-.7 .12,-.42 .2,-.3 .78,.36 .78,.5 .24,.5 .26,.58 .48,.82 .48,.92 .16,.86 .12,.94 0,.9"),
    types:
      "EUFI F16 F15 F18 F18? F22 F35 F35? F14 F104 F4 F5 F1 MIR2 MIR4 MRF1 RFAL GRIF TOR A10 A4 A6 A7 AV8? HAR HAWK " +
      "T38 T45 T50 T7 L39 L159 L59 ALPH AJET M346 M326 M339 MG21 MG23 MG25 MG29 MG31 SU7 SU17 SU22 SU24 SU25 SU27 " +
      "SU30 SU34 SU35 SU57 J10 J11 J20 JF17 JH7 K8 TEJS SB37 SB39 SB35 VF35 T1 T2 S211 YK30",
    size: 0.85,
  },
  bomber: {
    path: mirrored("0,-1 .1,-.8 .12,-.4 1,.36 1,.5 .5,.34 .5,.48 .36,.48 .36,.3 .12,.24 .1,.64 .38,.84 .38,.94 0,.86"),
    types: "B52 B1 B2 TU16 T160 T22M TU22 VULC VICT B21 H6 U2 SR71 B47 B58",
    size: 1.25,
  },
  transport: {
    path:
      mirrored("0,-.98 .16,-.86 .2,-.64 .2,-.36 1,.16 1,.32 .2,.1 .14,.64 .52,.8 .52,.96 0,.88") +
      boxes(0.44, -0.32, 0.17, 0.36) +
      boxes(0.76, -0.1, 0.17, 0.36),
    types: "C17 C5 C5M C141 IL76 A124 Y20 C2 C1 E390 AN72 AN70",
    size: 1.3,
  },
  tanker: {
    path:
      mirrored("0,-1 .11,-.9 .14,-.72 .14,-.42 .96,.16 .96,.3 .14,.04 .11,.42 .4,.6 .4,.72 .05,.66 .05,1 0,1") +
      boxes(0.36, -0.32, 0.13, 0.34) +
      boxes(0.68, -0.1, 0.13, 0.34) +
      box(0, 0.92, 0.22, 0.12),
    types: "K35? KC10 KC46 KE3 KC2 IL78 MRTT",
    size: 1.2,
  },
  awacs: {
    path: mirrored(AIRLINER) + boxes(0.44, -0.08, 0.14, 0.32) + circle(0, 0.18, 0.4),
    types: "E3TF E3CF E767 E2 A50 E737 KJ20 KJ50",
    size: 1.15,
  },
  helicopter: {
    path:
      mirrored("0,-.5 .16,-.42 .22,-.2 .2,.06 .07,.24 .06,.72 .22,.76 .22,.88 0,.88") + rotor(0, -0.14, 0.78, 4, 45),
    types:
      "A109 A119 A139 A149 A169 A189 AS50 AS55 AS65 ALO2 ALO3 B06 B06T B105 B212 B222 B230 B407 B412 B427 B429 B430 " +
      "B47G B47J B505 BK17 EC20 EC30 EC35 EC45 EC55 EXPL EN28 EN48 G2CA GAZL H269 H500 LAMA LYNX R22 R44 R66 S76 " +
      "SCOR UH1 UH1Y MD52 MD60 NOTR H64 WZ10 TIGR K126 KMAX HUCO UHEL",
    size: 0.85,
    nose: "any",
  },
  heavyHelicopter: {
    path:
      mirrored("0,-.72 .2,-.6 .28,-.3 .28,.14 .12,.34 .08,.74 .34,.78 .34,.94 0,.94") + rotor(0, -0.14, 0.92, 6, 30),
    types:
      "S61 S61R S64 S65 S92 H53 H53S H60 H3 EH10 NH90 AS32 AS3B EC25 MI6 MI8 MI14 MI17 MI24 MI26 MI28 MI38 KA27 KA32 KA50 KA52 PUMA",
    size: 1.05,
    nose: "any",
  },
  tandem: {
    path:
      mirrored("0,-.74 .16,-.64 .19,-.4 .19,.56 .14,.7 0,.78") + rotor(0, -0.5, 0.5, 3, 0) + rotor(0, 0.5, 0.5, 3, 60),
    types: "H47 H46 V107 B234 YK24",
    size: 1.05,
    nose: "any",
  },
  tiltrotor: {
    path:
      mirrored("0,-.84 .13,-.72 .15,-.3 .64,-.3 .64,-.06 .15,0 .12,.62 .4,.62 .4,.84 0,.78") +
      boxes(0.66, -0.2, 0.16, 0.46) +
      rotor(0.66, -0.44, 0.34, 3, 90) +
      rotor(-0.66, -0.44, 0.34, 3, 270),
    types: "V22 B609 V280 XV15",
  },
  gyrocopter: {
    path:
      mirrored("0,-.6 .14,-.5 .18,-.24 .14,.06 .05,.12 .05,.54 .26,.54 .26,.74 0,.74") +
      rotor(0, -0.12, 0.86, 2, 60) +
      box(0, 0.2, 0.5, 0.08),
    types: "GYRO CALI CAVA MTO? M16 M22 M24 ELA?",
    size: 0.78,
    nose: "any",
  },
  glider: {
    path: "M0-.6C.07-.6.09-.5.09-.36V-.24L.94-.1V.02L.09.02.05.58.26.64V.74H-.26V.64L-.05.58-.09.02-.94.02V-.1L-.09-.24V-.36C-.09-.5-.07-.6 0-.6Z",
    types:
      "GLID AS?? DG?? DISC DUOD JANU LS? LS?? NIMB VENT ARCU ARCP STEM TS1 TS1J PIK? KK62 SZD? LK17 LK19 " +
      "LK20 G103 G102 HK36 DIMO S10S S12 S6 TAIF PIPI ANTA QINT VNTE",
    size: 1.05,
    nose: "any",
  },
  ultralight: {
    path: mirrored("0,-.7 .95,.24 .84,.4 .12,-.06 .12,.5 .3,.5 .3,.6 0,.6"),
    types: "ULAC PARA",
    size: 0.75,
    nose: "any",
  },
  balloon: {
    path: "M0-.8C.36-.8.6-.55.6-.22.6.08.34.3.18.46H-.18C-.34.3-.6.08-.6-.22-.6-.55-.36-.8 0-.8ZM-.18.56H.18V.8H-.18Z",
    types: "BALL",
    size: 0.9,
    nose: "up",
  },
  airship: {
    path:
      "M0-.95C.24-.85.34-.5.34-.15.34.3.18.62.1.8L.3.82V.98H-.3V.82L-.1.8C-.18.62-.34.3-.34-.15-.34-.5-.24-.85 0-.95Z" +
      boxes(0.32, 0.56, 0.22, 0.3),
    types: "SHIP ZEPP",
    size: 1.1,
    nose: "any",
  },
  drone: {
    path:
      box(0, 0, 0.36, 0.36) +
      rotor(0, 0, 0.8, 4, 45) +
      circle(0.58, -0.58, 0.3) +
      circle(-0.58, -0.58, 0.3) +
      circle(0.58, 0.58, 0.3) +
      circle(-0.58, 0.58, 0.3),
    types: "DRON UAV",
    size: 0.75,
    nose: "any",
  },
  unmannedPlane: {
    path: mirrored("0,-.72 .1,-.66 .1,-.1 1,-.06 1,.06 .08,.14 .06,.52 .42,.86 .34,.94 0,.62") + box(0, 0.7, 0.4, 0.07),
    types: "Q1 Q4 Q5 Q9 Q25 HRON HERM TB2",
    size: 0.9,
  },
  parachute: {
    path:
      "M-.8-.1C-.8-.55-.45-.85 0-.85.45-.85.8-.55.8-.1L.4-.16 0-.1-.4-.16ZM-.74-.1L-.62-.12-.05.5V.62L-.12.62ZM.62-.12L.74-.1.12.62.05.62V.5Z" +
      circle(0, 0.68, 0.2),
    size: 0.85,
    nose: "up",
  },
  rocket: {
    path: mirrored("0,-1 .16,-.7 .2,-.4 .2,.4 .46,.7 .46,.86 .2,.74 .1,.74 .14,.96 0,.9"),
    types: "SHTL",
    nose: "up",
  },
  vehicle: { path: "M-.3-.5H.3L.4-.3V.5H-.4V-.3Z", types: "SERV GND", size: 0.9, nose: "any" },
  emergencyVehicle: {
    path: "M-.32-.72H.32L.4-.5V.7H-.4V-.5ZM.46-.2H.62V.2H.46ZM-.62-.2H-.46V.2H-.62Z",
    types: "EMER",
    size: 0.9,
    nose: "any",
  },
  tower: {
    path:
      mirrored("0,-.95 .06,-.95 .12,-.3 .34,.8 .2,.8 .08,.1 0,.1") + box(0, -0.42, 0.5, 0.1) + box(0, 0.84, 0.9, 0.1),
    types: "TWR",
    size: 0.9,
    nose: "up",
  },
  cluster: {
    path:
      mirrored("0,-.85 .05,-.85 .16,.7 0,.7") +
      "M.5-.4H.6L.72.7H.38ZM-.6-.4H-.5L-.38.7H-.72Z" +
      box(0, 0.76, 1.7, 0.12),
    size: 0.9,
    nose: "up",
  },
  line: {
    path:
      boxes(0.72, 0, 0.12, 1.4) +
      boxes(0.72, -0.5, 0.4, 0.1) +
      "M-.7-.46C-.35-.1.35-.1.7-.46V-.34C.35.04-.35.04-.7-.34Z",
    size: 0.9,
    nose: "up",
  },
  dot: { path: circle(0, 0, 0.42), size: 0.9, nose: "up" },
  /** On the middle of a military aircraft. */
  military: { path: mirrored("0,-.8 .8,0 0,.8"), nose: "up" },
  ring: { path: "", nose: "up" },
  dashes: { path: "", nose: "up" },
} as const satisfies Record<string, Entry>;

export type Shape = keyof typeof TABLE;
const ENTRIES: Readonly<Record<Shape, Entry>> = TABLE;

/** The symbols, in the order of their atlas. */
export const SHAPES = Object.keys(TABLE) as readonly Shape[];

/** The outline of a symbol. */
export function outlineOf(shape: Shape): string {
  return ENTRIES[shape].path;
}

/** The size of a symbol relative to an airliner. */
export function sizeOf(shape: Shape): number {
  return ENTRIES[shape].size ?? 1;
}

/** Where the nose of a symbol points. */
export function noseOf(shape: Shape): "track" | "any" | "up" {
  return ENTRIES[shape].nose ?? "track";
}

const EXACT = new Map<string, Shape>();
const WILD: { readonly fits: (type: string) => boolean; readonly shape: Shape }[] = [];
for (const shape of SHAPES) {
  for (const type of ENTRIES[shape].types?.split(" ") ?? []) {
    const fits = /[*?]/.test(type) ? patternTest(type) : undefined;
    if (fits !== undefined) WILD.push({ fits, shape });
    else if (!EXACT.has(type)) EXACT.set(type, shape);
  }
}
/** The types that were looked up. */
const FOUND = new Map<string, Shape | undefined>(EXACT);

/** The symbol of an ICAO type designator; `undefined` where it is in no group. An exact designator precedes a pattern. */
export function shapeOfType(type: string): Shape | undefined {
  if (!FOUND.has(type)) FOUND.set(type, WILD.find(({ fits }) => fits(type))?.shape);
  return FOUND.get(type);
}

/** By ADS-B emitter category, for aircraft of unknown type. */
const OF_CATEGORY: Readonly<Partial<Record<number, Shape>>> = {
  2: "single",
  4: "narrow",
  5: "narrow",
  6: "wide",
  7: "fighter",
  8: "helicopter",
  9: "glider",
  10: "balloon",
  11: "parachute",
  12: "ultralight",
  14: "drone",
  15: "rocket",
  16: "emergencyVehicle",
  17: "vehicle",
  18: "tower",
  19: "cluster",
  20: "line",
};

/** The symbol of an ADS-B emitter category; `undefined` where it does not tell. */
export function shapeOfCategory(category: number | null): Shape | undefined {
  return category === null ? undefined : OF_CATEGORY[category];
}
