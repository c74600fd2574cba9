import express from "express";

const app = express();

app.get("/", (request, response) => {
  response.send("<!doctype html><title>Clock</title><p id=time></p>");
});

app.get("/clock", (request, response) => {
  response.type("text/event-stream");
  const tell = () => response.write(`data: ${new Date().toISOString()}\n\n`);
  const timer = setInterval(tell, 1000);
  response.on("close", () => clearInterval(timer));
  tell();
});

app.listen(process.env.PORT ?? 3000, "127.0.0.1");
