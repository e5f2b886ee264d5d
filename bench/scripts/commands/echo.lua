-- What costs nothing but the wire and the dispatcher.
return {
  params = { username = "string?" },
  run = function(params)
    return params
  end,
}
