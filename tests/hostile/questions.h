// Everything that a client can ask a node, and the marks by which an answer gives away whose events
// it holds.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/hostile/capture.h"
#include "wire/request.h"

namespace skald::hostile {

// What it is -> the bytes that give it away.
using Marks = std::map<std::string, std::string>;
using Names = std::vector<std::string>;

// Names that the restricted client asks for by name come back in the error; this one it never says.
inline constexpr const char* kUnsaid = "unsaid-stream-9";

Uuid uuid_of(std::string_view text, std::uint8_t last = 0);
// An event of which every field says whose it is, and the marks of all its fields.
NewEvent event_of(const std::string& whose, std::uint8_t number);
Marks marks_of(const std::string& whose);
// Of foreign events, and of what else the node holds besides streams that may be read.
Marks foreign_marks(const std::string& owner_key, const Uuid& producer);
Names found(const Marks& marks, std::string_view bytes);
Names names_of(const Marks& marks);
// Ephemeral events carry marks of their own: nothing that is stored shows them.
inline constexpr const char* kForeignPassing = "passing";
inline constexpr const char* kOwnPassing = "fleeting";

// Numbers a client's appends; one partition.
class Writer {
  public:
    explicit Writer(CapturingClient& client) : client_(client) {}
    wire::msg::FromNode append(const Append& append);
    wire::msg::FromNode append_bytes(std::string_view request);  // whatever they are
    wire::msg::FromNode change(const std::string& stream, LifecycleChange change);
    wire::msg::FromNode publish(const std::string& stream, NewEvent event);
    std::uint64_t next_token() { return token_++; }
    CapturingClient& client() { return client_; }

  private:
    CapturingClient& client_;
    wire::IdSource ids_;
    std::uint64_t token_ = 0;
    std::uint64_t sequence_ = 0;
};

// Own and foreign events side by side in requests, batches and on their own; snapshots, control
// records and a fence of theirs. By a key that may do all.
void fill(Writer& owner);
// Ephemeral events of both.
void pass_by(Writer& owner);

// One way to be told something.
struct Route {
    const char* name;
    Names shows;  // foreign marks that a key finds which may see all
    std::function<void(Writer&)> ask;
};
// `write_more` and `publish` are called while subscriptions are open.
std::vector<Route> routes(const std::function<void()>& write_more,
                          const std::function<void()>& publish);
// The answers that a key gets which may not.
void require_refusals(Writer& restricted);

}  // namespace skald::hostile
