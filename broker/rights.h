// Who may do what: globs of stream names by key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "skald/ids.h"
#include "skald/node.h"

namespace skald::broker {

class Rights {
  public:
    static Rights everything();
    // The sum of all permissions that name the key or `*`. Without any permission: everything.
    static Rights of(const std::vector<Permission>& permissions, std::string_view key);

    bool none() const { return read_.empty() && write_.empty() && admin_.empty(); }
    bool reads_all() const { return reads_all_; }
    bool writes_all() const { return writes_all_; }
    bool may_read(std::string_view stream) const;
    bool may_write(std::string_view stream) const;
    bool may_administer(std::string_view stream) const;
    bool administers_all() const;
    // For a cursor: empty when everything may be read.
    std::vector<std::string> allowed() const;
    bool reads_none() const { return read_.empty(); }

  private:
    std::vector<std::string> read_;
    std::vector<std::string> write_;
    std::vector<std::string> admin_;
    bool reads_all_ = false;
    bool writes_all_ = false;
};

// Who the log takes a producer for: of a peer with a key (Z85), an id that no other key can make
// (docs/protocol.md, section 4); without one, the id it gave itself.
Uuid producer_of(std::string_view key, const Uuid& own);

}  // namespace skald::broker
