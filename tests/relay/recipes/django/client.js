import { EventSource } from "eventsource";

const gateway = process.env.GATEWAY ?? "https://gateway.example";
const source = new EventSource(`${gateway}/builds/7/log`);
source.onmessage = ({ data }) => console.log(data);
source.addEventListener("gap", () => console.log("something is missing"));
source.addEventListener("done", () => source.close());
