// Whether options lead to an etcd, and what to do when they do not.
#pragma once

#include "skald/etcd.h"

namespace skald::coord {

// As they are used; invalid_argument.
Result<EtcdOptions> checked(EtcdOptions options);
// With what may help, of an error by which connecting failed.
Error advised(Error error, const EtcdOptions& options);

}  // namespace skald::coord
