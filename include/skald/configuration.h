// Configuration of services, kept in the coordination store: a service's own value of a key, or
// that of all services, or the one that was declared with it. Those who run see a change at once.
//
// A key may be declared with its type and bounds. What does not conform is then refused, and what
// was there stays; a running reader that meets one all the same, since somebody else's program
// wrote it, keeps its last good value.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skald/clock.h"
#include "skald/coord.h"
#include "skald/result.h"

namespace skald::coord {

// The service of values for all: those that have none of their own.
inline constexpr std::string_view kDefaults = "*";

enum class SettingType : std::uint8_t {
    text,      // UTF-8
    integer,   // 64 bits, signed, in decimal
    number,    // finite
    boolean,   // true, false
    duration,  // 250ms, 10s, 5m, 24h, 7d: whole, at least 1ms, at most 3650d
    json,      // one value, nested up to 512 deep
};

// `text`, `integer` and so on.
std::string_view name_of(SettingType type);
std::optional<SettingType> parse_setting_type(std::string_view name);

// What a key of a service may hold. Of `*`: for every service that does not declare it itself.
struct SettingDeclaration {
    std::string service;
    std::string key;
    SettingType type = SettingType::text;
    std::optional<std::string> fallback;  // the value where none is set
    // Both included; integer, number, duration, in their own notation.
    std::optional<std::string> least;
    std::optional<std::string> most;
    // Of texts: one of these. Up to 64 of 1-255 bytes, no control characters.
    std::vector<std::string> choices;
    std::string description;  // up to 1,024 bytes
    bool operator==(const SettingDeclaration&) const = default;
};

enum class SettingSource : std::uint8_t {
    service,   // its own; also of `*`, when that was asked for
    defaults,  // of `*`
    declared,  // the fallback
};

std::string_view name_of(SettingSource source);

struct Setting {
    std::string service;  // that was asked for
    std::string key;
    std::string value;
    SettingType type = SettingType::text;  // text also when it is not declared
    SettingSource source = SettingSource::service;
    // Of the value: of one of its own what set() compares with. 0: declared.
    Revision revision;
    std::string by;          // who set it
    std::optional<Time> at;  // by the clock of who did
    bool operator==(const Setting&) const = default;
};

// One change of a value of a service itself.
struct SettingChange {
    std::uint64_t number = 0;          // from 1, for each service and key
    std::optional<std::string> value;  // none: it was removed
    std::string by;
    Time at;
    bool operator==(const SettingChange&) const = default;
};

struct SetOptions {
    std::string by;  // 1-255 bytes, shown to others
    // The service's own value must have this revision; 0: there must be none. None: whatever it is.
    std::optional<Revision> expected;
};

struct SettingsHandler {
    // What is effective now: at first each, then what changed. nullopt: the key has no value any
    // more. Values may be left out that changed faster than they were told, never the last one.
    std::function<void(const std::string& key, const std::optional<Setting>& setting)> on_change;
    // What is effective now does not conform to its declaration, or is not understood: the one told
    // before stays, until a good one or none is told. What, and why.
    std::function<void(const std::string& key, const Error& why)> on_bad;
    // The store cannot be reached since; false: it can again, and all that changed was told.
    std::function<void(bool away)> on_away;
};

// Ends when destroyed, which waits for a call that runs; not from within one.
class SettingsWatch {
  public:
    virtual ~SettingsWatch() = default;
};

// Thread safe. Outlives what it returns; the store outlives it. Services: 1-200 bytes without `/`
// and control characters; keys likewise; values and other texts: UTF-8, values up to 32 KiB, and 64
// KiB as a string of JSON. Errors of all: those of Coord; invalid_argument.
//
// A default has to conform to every service's declaration of its key, also where the service has
// its own value: it may be effective there later.
class Configuration {
  public:
    virtual ~Configuration() = default;

    // In place of what was declared of the key before. Again with the same content: nothing.
    // invalid_argument: also when the fallback, or a value that is there, does not conform; what
    // was declared stays. busy: others changed the key all the time.
    virtual Result<void> declare(const SettingDeclaration& declaration) = 0;
    // Its own, by key.
    virtual Result<std::vector<SettingDeclaration>> declarations(const std::string& service) = 0;

    // The effective value. not_found: there is none. invalid_argument: also when what is there does
    // not conform.
    virtual Result<Setting> get(const std::string& service, const std::string& key) = 0;
    // All effective ones that conform, by key.
    virtual Result<std::vector<Setting>> list(const std::string& service) = 0;
    // invalid_argument: it does not conform. wrong_expected_version: another revision is there.
    // busy: others changed the key all the time. Returns the revision of the value.
    virtual Result<Revision> set(const std::string& service, const std::string& key,
                                 const std::string& value, const SetOptions& options) = 0;
    // Its own value, so that those behind it are effective. not_found: it has none. Otherwise as
    // set().
    virtual Result<void> remove(const std::string& service, const std::string& key,
                                const SetOptions& options) = 0;
    // The last 32 changes of its own value, the latest last.
    virtual Result<std::vector<SettingChange>> history(const std::string& service,
                                                       const std::string& key) = 0;
    // All keys of the service. Calls come on one thread of the watch's own, in order of the
    // changes. Goes on by itself when the store could not be reached for a time.
    virtual Result<std::unique_ptr<SettingsWatch>> watch(const std::string& service,
                                                         SettingsHandler handler) = 0;
};

std::unique_ptr<Configuration> open_configuration(Coord& coord,
                                                  const Clock& clock = SystemClock::instance());

// A value of a type, from its text: Type is std::string, std::int64_t, double, bool or
// std::chrono::microseconds. invalid_argument.
template <typename Type>
Result<Type> setting_as(const std::string& text);
template <>
Result<std::string> setting_as(const std::string& text);
template <>
Result<std::int64_t> setting_as(const std::string& text);
template <>
Result<double> setting_as(const std::string& text);
template <>
Result<bool> setting_as(const std::string& text);
template <>
Result<std::chrono::microseconds> setting_as(const std::string& text);

}  // namespace skald::coord
