// What LMDB and the system answer, as our errors. Only for store/lmdb/.
#pragma once

#include <string_view>

#include "skald/error.h"

namespace skald::store::lmdb {

Errc code_of(int rc);
// `what` failed with this number.
Error error_of(int rc, std::string_view what);

}  // namespace skald::store::lmdb
