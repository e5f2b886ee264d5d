-- Each user chooses the image of their container: the main server sends `image`, one of the names below, beside the
-- other fields of create-container (or of the deployed start_container). Without it, DOCKHOST_IMAGE as ever.
--
-- To adapt: change the list. To choose by user instead, set ctx.config.image from params.username.
local IMAGES = {
  plain = "sohampirale/instance",
  python = "sohampirale/instance-python:3.12",
  node = "sohampirale/instance-node:22",
}

local create = shadowed.run
shadowed.params.image = "string?"

function shadowed.run(params, ctx)
  if params.image then
    local image = IMAGES[params.image]
    if not image then
      return nil, "image: there is none of that name here", 400
    end
    ctx.config.image = image
  end
  return create(params, ctx)
end

return shadowed
