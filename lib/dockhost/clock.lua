-- RFC 3339 times and seconds since the epoch.
local clock = {}

local DAY = 86400
-- The years 0001 to 9999, which are all that the format can write.
local EARLIEST, LATEST = -62135596800, 253402300799

-- Days since the epoch in the proleptic Gregorian calendar. Years begin in March, so that the leap day is the last.
local function days_from_date(year, month, day)
  if month <= 2 then year = year - 1 end
  local day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
  return year * 365 + year // 4 - year // 100 + year // 400 + day_of_year - 719468
end

local function date_from_days(days)
  days = days + 719468
  local era, day_of_era = days // 146097, days % 146097
  local year = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
  local day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
  local month = (5 * day_of_year + 2) // 153
  local day = day_of_year - (153 * month + 2) // 5 + 1
  month = month < 10 and month + 3 or month - 9
  return era * 400 + year + (month <= 2 and 1 or 0), month, day
end

local function exists(year, month, day)
  if month < 1 or month > 12 or day < 1 then return false end
  local next_year, next_month = year + month // 12, month % 12 + 1
  return day <= days_from_date(next_year, next_month, 1) - days_from_date(year, month, 1)
end

local function zone_offset(zone)
  if zone == "Z" or zone == "z" then return 0 end
  local sign, hours, minutes = zone:match("^([+-])(%d%d):(%d%d)$")
  if not sign or tonumber(hours) > 23 or tonumber(minutes) > 59 then return nil end
  local seconds = tonumber(hours) * 3600 + tonumber(minutes) * 60
  return sign == "-" and -seconds or seconds
end

local PATTERN = "^(%d%d%d%d)-(%d%d)-(%d%d)[Tt ](%d%d):(%d%d):(%d%d)(%.?%d*)([Zz+-].*)$"

-- (RFC 3339) -> seconds since the epoch | nil. Docker writes the year 1 for "never", which is nil too.
function clock.parse(rfc3339)
  if type(rfc3339) ~= "string" or #rfc3339 > 64 then return nil end
  local year, month, day, hour, minute, second, fraction, zone = rfc3339:match(PATTERN)
  if not year or fraction == "." or (fraction ~= "" and fraction:sub(1, 1) ~= ".") then return nil end
  year, month, day = math.tointeger(year), math.tointeger(month), math.tointeger(day)
  hour, minute, second = math.tointeger(hour), math.tointeger(minute), math.tointeger(second)
  local offset = zone_offset(zone)
  if not offset or year <= 1 or not exists(year, month, day) then return nil end
  if hour > 23 or minute > 59 or second > 60 then return nil end
  local whole = days_from_date(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset
  return whole + (fraction ~= "" and tonumber("0" .. fraction) or 0.0)
end

local MONTHS = {}
for i, name in ipairs { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" } do
  MONTHS[name] = i
end

-- (HTTP date: "Tue, 24 Nov 2026 11:40:36 GMT") -> seconds since the epoch | nil
function clock.parse_http(date)
  if type(date) ~= "string" or #date > 64 then return nil end
  local day, month, year, time = date:match("^%a+, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d:%d%d:%d%d) GMT$")
  if not MONTHS[month] then return nil end
  return clock.parse(("%s-%02d-%sT%sZ"):format(year, MONTHS[month], day, time))
end

local function clamp(seconds)
  if seconds ~= seconds or seconds < EARLIEST then return EARLIEST end
  return math.min(seconds, LATEST)
end

local function format_whole(seconds)
  local year, month, day = date_from_days(seconds // DAY)
  local rest = seconds % DAY
  return ("%04d-%02d-%02dT%02d:%02d:%02d"):format(year, month, day, rest // 3600, rest // 60 % 60, rest % 60)
end

-- (seconds) -> "2026-11-24T11:40:36Z"
function clock.format(epoch)
  return format_whole(math.floor(clamp(epoch))) .. "Z"
end

local last_whole, last_text

-- (seconds) -> "2026-11-24T11:40:36.123Z". Many lines are of the same second.
function clock.format_ms(epoch)
  local milliseconds = math.floor(clamp(epoch) * 1000 + 0.5)
  local whole = milliseconds // 1000
  if whole ~= last_whole then
    last_whole, last_text = whole, format_whole(whole)
  end
  return last_text .. (".%03dZ"):format(milliseconds % 1000)
end

local function plural(count, unit)
  return count .. " " .. unit .. (count == 1 and "" or "s")
end

-- (seconds) -> "12 s", "5 min", "3 h" or "4 days", for people
function clock.age(seconds)
  local whole = math.floor(math.max(0, math.min(seconds, LATEST)))
  if whole < 60 then return whole .. " s" end
  if whole < 3600 then return whole // 60 .. " min" end
  if whole < DAY then return whole // 3600 .. " h" end
  return plural(whole // DAY, "day")
end

return clock
