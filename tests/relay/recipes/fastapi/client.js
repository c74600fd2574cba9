import { EventSource } from "eventsource";

const gateway = process.env.GATEWAY ?? "https://gateway.example";
const source = new EventSource(`${gateway}/prices`);
source.onmessage = ({ data, lastEventId }) => console.log(lastEventId, data);
