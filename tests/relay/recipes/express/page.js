const source = new EventSource("/clock");
source.onmessage = ({ data }) => {
  document.querySelector("#time").textContent = data;
};
