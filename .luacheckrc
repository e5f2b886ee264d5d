std = "lua54"
max_line_length = 120
exclude_files = { "spec/node_modules", "build", "lib/dockhost/types" }
files["spec"] = { std = "lua54+busted" }
files["examples"] = { std = "lua54+busted", globals = { "shadowed" } }
