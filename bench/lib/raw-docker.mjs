// The floor: the Docker Engine API over one keep-alive connection, with nothing around it.
import http from "node:http";

export class RawDocker {
  constructor(socketPath = process.env.DOCKER_SOCKET ?? "/var/run/docker.sock") {
    this.socketPath = socketPath;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 50 });
  }

  call(method, path, content, type = "application/json") {
    return new Promise((resolve, reject) => {
      const data = content === undefined || Buffer.isBuffer(content) ? content : JSON.stringify(content);
      const headers = data === undefined ? {} : { "Content-Type": type, "Content-Length": Buffer.byteLength(data) };
      const request = http.request({ socketPath: this.socketPath, agent: this.agent, method, path, headers }, (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode, body: Buffer.concat(chunks) }));
      });
      request.on("error", reject);
      request.end(data);
    });
  }

  close() {
    this.agent.destroy();
  }
}
