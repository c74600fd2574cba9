// Appends events to the history that Sluice's instances share, with ioredis alone.
//
//   npm install ioredis
//   sluice reference script > journal.lua     # of the version that your instances run
//   export REDIS=redis://127.0.0.1:6379
//   node publish.mjs news 'Goal!' match-7-goal-1 [TOPIC DATA ONCE]...
//
// Prints the id of each event, its position, and 1 if it had been published before, else 0.
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";

const redis = new Redis(process.env.REDIS);
const key = process.env.KEY ?? "sluice";

// EVALSHA, and EVAL where Redis does not know the script.
redis.defineCommand("sluice", { numberOfKeys: 1, lua: readFileSync("journal.lua", "utf8") });

// An event as the script wants it: how many words, and the words. A list is the same name again.
function words(event) {
  const pairs = Object.entries(event)
    .flatMap(([name, value]) => [value].flat().flatMap((one) => [name, one]));
  return [pairs.length, ...pairs];
}

// All of them or none, one behind the other. It rejects when none is published, and when the
// connection broke and nobody knows: the same call again, with the same `once`, is harmless.
async function publish(...events) {
  const answer = await redis.sluice(key, "append", "", "", ...events.flatMap(words));
  return events.map((_, n) => ({
    id: answer[3 * n], position: answer[3 * n + 1], isRepeat: answer[3 * n + 2] === "1" }));
}

const given = process.argv.slice(2);
const events = [];
while (given.length > 0) {
  const [topic, data, once] = given.splice(0, 3);
  events.push({ topic, data, once });
}
for (const { id, position, isRepeat } of await publish(...events)) {
  console.log(id, position, Number(isRepeat));
}
redis.disconnect();
