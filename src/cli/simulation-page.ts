/** A simulated campaign for people: who gets it when, ring by ring. */
import type { SimulatedRing, Simulation, SimulationPlan } from "../eligibility/simulation.ts";
import { showSpan } from "./moment.ts";
import { alignCells, emphasise } from "./page.ts";
import { visible } from "./visible.ts";

const barWidth = 20;
const mostRows = 15;
const mostReasons = 3;

/** A bar of `share`, 0 to 1. */
export function bar(share: number, width: number = barWidth): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return `${"#".repeat(full)}${".".repeat(width - full)}`;
}

const since = (at: number, from: number): string => `+${showSpan(at - from)}`;

function summaryOf({ devices, had, installs, name, rest }: SimulatedRing, from: number): readonly string[] {
  const when = (place: number): string => {
    const at = installs[place];
    return at === undefined ? "-" : since(at, from);
  };
  const reasons = Object.entries(rest).sort(([, a], [, b]) => b - a);
  const waiting = reasons.slice(0, mostReasons).map(([reason, count]) => `${count} ${reason}`);
  const more = reasons.slice(mostReasons).reduce((sum, [, count]) => sum + count, 0);
  if (more > 0) waiting.push(`${more} for other reasons`);
  return [
    name,
    String(devices),
    String(had),
    String(installs.length),
    when(0),
    when(Math.ceil(installs.length / 2) - 1),
    when(installs.length - 1),
    waiting.join(", ") || "-",
  ];
}

/** How much of a ring runs the release at `at`. */
function shareAt({ devices, had, installs }: SimulatedRing, at: number): number {
  if (devices === 0) return 0;
  return (had + installs.filter((each) => each <= at).length) / devices;
}

/** Moments worth a row: evenly over the campaign, never between two rounds. */
function momentsOf({ from, stepS, until }: SimulationPlan): number[] {
  const rounds = Math.max(1, Math.ceil((until - from) / stepS));
  const stride = Math.ceil(rounds / mostRows);
  const moments: number[] = [];
  for (let round = 0; round < rounds; round += stride) moments.push(from + round * stepS);
  return [...moments, until];
}

function tableOf(simulation: Simulation, plan: SimulationPlan): string[] {
  const { rings } = simulation;
  const head = ["", ...rings.map(({ name }) => name)];
  const rows = momentsOf(plan).map((at) => [
    since(at, plan.from),
    ...rings.map((ring) => {
      const share = shareAt(ring, at);
      return `${bar(share)} ${String(Math.floor(share * 100)).padStart(3)} %`;
    }),
  ]);
  return alignCells([head, ...rows]);
}

/** The campaign as a page. */
export function renderSimulation(
  simulation: Simulation,
  plan: SimulationPlan,
  revision: string,
  notes: readonly string[],
  withDevices: boolean,
): string {
  const { events, rings, rollout, state } = simulation;
  const start = new Date(plan.from * 1000).toISOString().replace(".000Z", "Z");
  const concerned = rings.reduce((sum, { devices }) => sum + devices, 0);
  const head = ["ring", "devices", "had it", "installed", "first", "half", "last", "the others at the end"];
  const word = emphasise(state === "running" || state === "completed" ? "good" : "bad", state);
  const lines = [
    `${visible(plan.release)}  ${visible(rollout)}  ${word} after ${showSpan(plan.until - plan.from)}`,
    `${concerned} devices from ${start}, policy ${visible(revision)}`,
    ...notes,
    "",
    ...alignCells([head, ...rings.map((ring) => summaryOf(ring, plan.from))]),
    "",
    ...tableOf(simulation, plan),
    "",
    ...alignCells(events.map(({ at, what }) => [since(at, plan.from), what])),
  ];
  if (withDevices) {
    lines.push("");
    const moved = simulation.devices
      .filter(({ installed_at }) => installed_at !== undefined)
      .sort((a, b) => (a.installed_at ?? 0) - (b.installed_at ?? 0));
    lines.push(
      ...alignCells(
        moved.map(({ id, installed_at = 0, ring }) => [since(installed_at, plan.from), ring, id]),
      ),
    );
  }
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}
