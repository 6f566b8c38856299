// Rows of a read model as a table for people: a column a field, in the order of the first row.
#pragma once

#include <string>
#include <vector>

namespace skald::cli {

// Each row is a JSON object. Lines without their line breaks, the first with the names; none
// without rows. Strings stand without quotes, null as nothing.
std::vector<std::string> row_table(const std::vector<std::string>& rows);

}  // namespace skald::cli
