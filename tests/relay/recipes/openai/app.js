import { setTimeout as sleep } from "node:timers/promises";
import express from "express";

const app = express();
app.use(express.json());

app.post("/v1/chat/completions", async (request, response) => {
  const { model, messages } = request.body;
  const say = (delta, reason = null) => response.write(`data: ${JSON.stringify({
    id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model,
    choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`);

  await sleep(3000);  // it thinks
  response.type("text/event-stream");
  for (const word of messages.at(-1).content.split(/(?<= )/)) {
    say({ content: word });
    await sleep(50);
  }
  say({}, "stop");
  response.end("data: [DONE]\n\n");
});

app.listen(process.env.PORT ?? 8000, "127.0.0.1");
