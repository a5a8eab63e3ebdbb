#include "redis/scripts.hpp"

namespace coax::redis {

// The state of a topic is "epoch offset tag size age": where its log ends, and what is kept. Entries are in a stream
// under the id offset-time; an entry is its predecessor's tag, its own tag, and its body. Whoever forgets the state
// begins a new history, so what is left of an old one goes.
//
// The memory makes publishing repeatable. For an idempotency key it is the place of its entry; otherwise the numbers
// and offsets of a node's last publications to the topic, as many as it may have under way: one of them may arrive a
// second time, from a connection that was thought dead, when later ones have been answered.
const script& publish_script() {
  static const script s(R"lua(
local epoch, offset, previous, size, age
local state = redis.call('GET', KEYS[1])
if state then
  epoch, offset, previous, size, age = string.match(state, '^(%S+) (%d+) (%x+) (%d+) (%d+)$')
  offset = tonumber(offset)
else
  epoch, offset, previous, size, age = ARGV[1], 0, '0000000000000000', ARGV[4], ARGV[5]
  redis.call('DEL', KEYS[2])
end

local number, memory = tonumber(ARGV[10]), redis.call('GET', KEYS[3])
if memory then
  if number == 0 then return memory end
  local packed = struct.pack('>I6', number)
  local at = string.find(memory, packed, 1, true)
  while at do
    if at % 12 == 1 then return string.format('%s %.0f %s', epoch, struct.unpack('>I6', memory, at + 6), ARGV[2]) end
    at = string.find(memory, packed, at + 1, true)
  end
end

if ARGV[6] == '1' then
  if ARGV[4] == '0' and size ~= '0' then redis.call('DEL', KEYS[2]) end
  size, age = ARGV[4], ARGV[5]
end
offset = offset + 1
local place = string.format('%s %.0f %s', epoch, offset, ARGV[2])
local entry = previous .. ARGV[2] .. ARGV[3]
local keep = ARGV[7]
if size ~= '0' then
  local time = redis.call('TIME')
  local id = string.format('%.0f-%.0f', offset, time[1] * 1000 + math.floor(time[2] / 1000))
  redis.call('XADD', KEYS[2], 'MAXLEN', '=', size, id, 'e', entry)
  redis.call('PEXPIRE', KEYS[2], age)
  keep = string.format('%.0f', keep + age)
end
redis.call('SET', KEYS[1], place .. ' ' .. size .. ' ' .. age, 'PX', keep)
if number == 0 then
  redis.call('SET', KEYS[3], place, 'PX', ARGV[8])
else
  local kept, others = '', ARGV[11] - 1
  if memory and others > 0 then kept = string.sub(memory, -12 * others) end
  redis.call('SET', KEYS[3], kept .. struct.pack('>I6I6', number, offset), 'PX', ARGV[8])
end
redis.call(ARGV[9], KEYS[4], 'e' .. string.format('%s %.0f ', epoch, offset) .. entry)
return place
)lua");
  return s;
}

// What is too old goes when somebody looks: the stream is searched for the first entry that is not.
const script& history_script() {
  static const script s(R"lua(
local epoch, offset, tag, size, age
local state = redis.call('GET', KEYS[1])
if state then
  epoch, offset, tag, size, age = string.match(state, '^(%S+) (%d+) (%x+) (%d+) (%d+)$')
  offset = tonumber(offset)
else
  epoch, offset, tag, size, age = ARGV[1], 0, '0000000000000000', ARGV[2], ARGV[3]
  redis.call('DEL', KEYS[2])
end
local keep = tonumber(ARGV[4])
if size ~= '0' then keep = keep + age end
local place = string.format('%s %.0f %s', epoch, offset, tag)
redis.call('SET', KEYS[1], place .. ' ' .. size .. ' ' .. age, 'PX', string.format('%.0f', keep))

local function id(n) return string.format('%.0f', n) end
local function first_from(n)
  local found = redis.call('XRANGE', KEYS[2], id(n), '+', 'COUNT', 1)[1]
  if not found then return nil end
  local at, time = string.match(found[1], '^(%d+)-(%d+)$')
  return tonumber(at), tonumber(time), found[2][2]
end

local oldest, stored = first_from(0)
if oldest then
  local time = redis.call('TIME')
  local limit = time[1] * 1000 + math.floor(time[2] / 1000) - age
  if stored <= limit then
    local low, high = oldest, offset + 1
    while high - low > 1 do
      local middle = math.floor((low + high) / 2)
      local _, t = first_from(middle)
      if t <= limit then low = middle else high = middle end
    end
    redis.call('XTRIM', KEYS[2], 'MINID', '=', id(high))
    oldest = high
  end
else
  oldest = offset + 1
end

local found, first = 'whole', oldest
if ARGV[5] ~= '' then
  local since = tonumber(ARGV[6])
  if ARGV[5] ~= epoch or since > offset then
    found = 'forked'
  elseif since + 1 < oldest then
    found = 'too_old'
  else
    local behind = tag
    if since < offset then
      local _, _, entry = first_from(since + 1)
      behind = string.sub(entry, 1, 16)
    end
    if behind == ARGV[7] then first = since + 1 else found = 'forked' end
  end
end

local limit, entries = tonumber(ARGV[8]), {}
if limit > 0 and first <= offset then
  local from, bytes = first, 0
  while from <= offset and from < first + limit and bytes < 4194304 do
    local some = redis.call('XRANGE', KEYS[2], id(from), '+', 'COUNT', math.min(16, first + limit - from))
    if #some == 0 then break end
    for _, e in ipairs(some) do
      if bytes >= 4194304 then break end
      local at = string.match(e[1], '^%d+')
      entries[#entries + 1] = at
      entries[#entries + 1] = e[2][2]
      bytes = bytes + #e[2][2]
      from = at + 1
    end
  end
end
local more = '0'
if first + #entries / 2 <= offset then more = '1' end
return {found, place, more, entries}
)lua");
  return s;
}

// A member is "owner time size-of-user user data" under its handle; an owner is "lease:session". Of each user the
// number of handles is counted, so that nobody has to look at all of a large room.
const script& presence_script() {
  static const script s(R"lua(
local function parse(member)
  local owner, size, at = string.match(member, '^(%S+) %d+ (%d+) ()')
  return owner, string.sub(member, at, at + size - 1), string.sub(member, at + size)
end
local function tell(what, user, data)
  redis.call(ARGV[1], KEYS[3], what .. #user .. ' ' .. user .. data)
end
local function take_out(handle, user, data)
  redis.call('HDEL', KEYS[1], handle)
  if redis.call('HINCRBY', KEYS[2], user, -1) <= 0 then
    redis.call('HDEL', KEYS[2], user)
    tell('-', user, data)
  end
end

if ARGV[3] == 'leave' then
  for i = 4, #ARGV, 4 do
    local member = redis.call('HGET', KEYS[1], ARGV[i + 1])
    if member then
      local owner, user, data = parse(member)
      if owner == ARGV[i] then take_out(ARGV[i + 1], user, data) end
    end
  end
  return 1
end

if ARGV[3] == 'only' then
  local stays = {}
  for i = 4, #ARGV, 4 do stays[ARGV[i + 1]] = true end
  local all = redis.call('HGETALL', KEYS[1])
  local lease = ARGV[2] .. ':'
  for i = 1, #all, 2 do
    if not stays[all[i]] then
      local owner, user, data = parse(all[i + 1])
      if string.sub(owner, 1, #lease) == lease then take_out(all[i], user, data) end
    end
  end
end

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
for i = 4, #ARGV, 4 do
  local owner, handle, user, data = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local member = redis.call('HGET', KEYS[1], handle)
  local known = false
  if member then
    local _, before, told = parse(member)
    known = before == user
    if not known then take_out(handle, before, told) end
  end
  redis.call('HSET', KEYS[1], handle, owner .. ' ' .. now .. ' ' .. #user .. ' ' .. user .. data)
  if not known and redis.call('HINCRBY', KEYS[2], user, 1) == 1 then tell('+', user, data) end
end
return 1
)lua");
  return s;
}

// A lease that has run out never comes back: its members are being taken out, and who held it takes a new one. Whoever
// takes them out has as long as a lease lasts for it; then it is somebody else's turn.
const script& lease_script() {
  static const script s(R"lua(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(n) return string.format('%.0f', n) end
local known = redis.call('ZADD', KEYS[1], text(now), ARGV[1]) == 0 and not redis.call('ZSCORE', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
local past = text(now - ARGV[3])
for _, lease in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', past)) do
  redis.call('ZREM', KEYS[1], lease)
  redis.call('HDEL', KEYS[3], lease)
  redis.call('ZADD', KEYS[2], '0', lease)
end
local mine = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', past)
for _, lease in ipairs(mine) do redis.call('ZADD', KEYS[2], text(now), lease) end
return {known and 1 or 0, mine}
)lua");
  return s;
}

const script& farewell_script() {
  static const script s(R"lua(
for _, lease in ipairs(ARGV) do
  redis.call('ZREM', KEYS[1], lease)
  redis.call('ZREM', KEYS[2], lease)
  redis.call('HDEL', KEYS[3], lease)
end
return 1
)lua");
  return s;
}

// Whoever renews a lease next takes out what members it still has: their leaving may not have arrived.
const script& retire_script() {
  static const script s(R"lua(
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[2], '0', ARGV[1])
return 1
)lua");
  return s;
}

const script& nodes_script() {
  static const script s(R"lua(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local all = {}
local alive = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #alive, 2 do
  all[#all + 1] = redis.call('HGET', KEYS[2], alive[i]) or ''
  all[#all + 1] = string.format('%.0f', now - alive[i + 1])
end
return all
)lua");
  return s;
}

}  // namespace coax::redis
