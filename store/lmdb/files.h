// The files of an environment, made so that a power cut leaves none or all of it.
#pragma once

#include <string>

#include "skald/result.h"

struct MDB_env;

namespace skald::store::lmdb {

// Creates the directory and those above it that are missing.
Result<void> make_directory(const std::string& directory);
// Makes data.mdb when it is not there: first under another name, renamed once it is on the disk.
// The directory must be locked.
Result<void> make_data_file(const std::string& directory);
// The names in the directory, and its own, are on the disk once this returns.
Result<void> sync_names(const std::string& directory);
// corrupt when the data file ends before the last page that is in use: reading it would be a
// signal, not an error.
Result<void> check_size(MDB_env* env);

}  // namespace skald::store::lmdb
