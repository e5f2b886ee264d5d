// What a new container is to Docker, the same for all who are compared: as lua/container.lua says it.
export function body(image, user, keys, [ssh, http, https]) {
  const to = (port) => [{ HostPort: String(port) }];
  return {
    Image: image,
    Env: [`SSH_PUB_KEY=${keys}\n`],
    ExposedPorts: { "22/tcp": {}, "80/tcp": {}, "443/tcp": {} },
    Labels: { "dockhost.managed": "true", "dockhost.username": user },
    HostConfig: {
      PortBindings: { "22/tcp": to(ssh), "80/tcp": to(http), "443/tcp": to(https) },
      NetworkMode: "dockhost",
      RestartPolicy: { Name: "unless-stopped" },
      Init: true,
      Memory: 512 * 1024 * 1024,
      NanoCpus: 500000000,
      PidsLimit: 512,
      CapDrop: ["NET_RAW", "MKNOD"],
      Privileged: false,
      LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } },
    },
  };
}
