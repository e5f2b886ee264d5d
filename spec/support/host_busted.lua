-- Runs busted inside of the host, so that specs may require host.*:
--   build/host-lua spec/support/host_busted.lua [BUSTED ARGUMENT...] spec/host
-- Returns busted's exit status rather than exiting, so that the host closes everything and leaks show.
local specs = require("dockhost.specs")

return specs.run(assert(specs.busted()), arg)
