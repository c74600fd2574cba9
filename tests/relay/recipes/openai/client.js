import OpenAI from "openai";

const gateway = process.env.GATEWAY ?? "https://gateway.example";
const client = new OpenAI({ baseURL: `${gateway}/v1`, apiKey: "a key" });

const stream = await client.chat.completions.create({
  model: "echo",
  messages: [{ role: "user", content: "Say these words one by one." }],
  stream: true,
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? "");
process.stdout.write("\n");
