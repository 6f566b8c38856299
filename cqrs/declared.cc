#include "skald/cqrs/declared.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/glob.h"
#include "cqrs/declared_rule_reader.h"
#include "cqrs/limits.h"

namespace skald::cqrs {
namespace {

struct KnownKind {
    std::string_view name;
    ValueKind kind;
};
constexpr KnownKind kKinds[] = {
    {"text", ValueKind::text},     {"integer", ValueKind::integer}, {"natural", ValueKind::natural},
    {"number", ValueKind::number}, {"boolean", ValueKind::boolean}, {"time", ValueKind::time},
    {"uuid", ValueKind::uuid},     {"json", ValueKind::json},
};
constexpr std::string_view kKindNames =
    "text, integer, natural, number, boolean, time, uuid or json";

bool is_name(std::string_view name) {
    constexpr std::string_view kAlso = "_-";
    const auto is_alnum = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !name.empty() && name.size() <= limits::kDeclaredNameBytesMax && is_alnum(name[0]) &&
           std::all_of(name.begin(), name.end(), [&](char c) {
               return is_alnum(c) || kAlso.find(c) != std::string_view::npos;
           });
}

// Of a stream's name: a `[` without its `]` stands for itself.
bool never_matches(const std::string& glob) {
    const std::size_t opens = glob.rfind('[');
    return opens != std::string::npos && glob.find(']', opens) == std::string::npos;
}

class DeclarationReader {
  public:
    explicit DeclarationReader(const TomlFile& file) : file_(file) {}

    Result<Declaration> read(const toml::table& root) {
        auto ok = file_.check_keys(
            root, "",
            {"name", "version", "poison", "lanes", "key", "from", "columns", "index", "on"});
        for (const auto step : {&DeclarationReader::read_name, &DeclarationReader::read_version,
                                &DeclarationReader::read_poison, &DeclarationReader::read_lanes,
                                &DeclarationReader::read_columns, &DeclarationReader::read_key,
                                &DeclarationReader::read_indexes, &DeclarationReader::read_rules,
                                &DeclarationReader::read_from}) {
            ok = ok ? (this->*step)(root) : std::move(ok);
        }
        return ok ? Result<Declaration>(finish()) : ok.error();
    }

  private:
    Result<void> read_name(const toml::table& root) {
        constexpr std::string_view kExpected =
            "1 to 100 letters, digits, _ and -, the first a letter or digit";
        const toml::node* node = root.get("name");
        if (node == nullptr) {
            return file_.lacks(root, "name", kExpected);
        }
        auto name = file_.text(*node, "name", kExpected);
        if (!name || !is_name(*name)) {
            return file_.wrong(*node, "name", kExpected);
        }
        declared_.projection.name = std::move(*name);
        return {};
    }

    // 0 when it is not there.
    Result<std::uint32_t> count(const toml::table& root, std::string_view name, std::uint32_t most,
                                std::string_view expected) {
        const toml::node* node = root.get(name);
        if (node == nullptr) {
            return std::uint32_t{0};
        }
        const auto* number = node->as_integer();
        if (number == nullptr || number->get() < 1 || number->get() > most) {
            return file_.wrong(*node, name, expected);
        }
        return static_cast<std::uint32_t>(number->get());
    }

    Result<void> read_version(const toml::table& root) {
        auto version = count(root, "version", UINT32_MAX, "an integer from 1 up");
        if (version && *version != 0) {
            declared_.version_given = true;
            declared_.projection.version = *version;
        }
        return version ? Result<void>() : version.error();
    }

    Result<void> read_lanes(const toml::table& root) {
        auto lanes = count(root, "lanes", limits::kLanesMax, "an integer from 1 to 16");
        if (lanes && *lanes != 0) {
            declared_.projection.lanes = *lanes;
        }
        return lanes ? Result<void>() : lanes.error();
    }

    Result<void> read_poison(const toml::table& root) {
        const toml::node* node = root.get("poison");
        if (node == nullptr) {
            return {};
        }
        const auto policy = file_.text(*node, "poison", "stop, retry or park");
        if (!policy || (*policy != "stop" && *policy != "retry" && *policy != "park")) {
            return file_.wrong(*node, "poison", "stop, retry or park");
        }
        declared_.poison.policy = *policy == "stop"    ? Poison::Policy::stop
                                  : *policy == "retry" ? Poison::Policy::retry
                                                       : Poison::Policy::park;
        return {};
    }

    Result<void> read_columns(const toml::table& root) {
        const toml::node* node = root.get("columns");
        const toml::table* table = node == nullptr ? nullptr : node->as_table();
        if (table == nullptr || table->empty() || table->size() > limits::kDeclaredColumnsMax) {
            constexpr std::string_view kExpected = "a table of 1 to 64 columns";
            return node == nullptr ? file_.lacks(root, "columns", kExpected)
                                   : file_.wrong(*node, "columns", kExpected);
        }
        for (const auto& [key, value] : in_order(*table)) {
            if (!is_name(key.str())) {
                return file_.at(key.source(),
                                fmt::format("a column's name is letters, digits, _ and -, at most "
                                            "100 and no _ or - first; found `{}`",
                                            key.str()));
            }
            if (auto ok = read_column(std::string(key.str()), *value); !ok) {
                return ok;
            }
        }
        return {};
    }

    Result<void> read_column(const std::string& name, const toml::node& node) {
        const std::string what = "columns." + name;
        const toml::node* type = &node;
        const toml::node* initial = nullptr;
        if (const toml::table* table = node.as_table()) {
            if (auto ok = file_.check_keys(*table, what + ".", {"type", "initial"}); !ok) {
                return ok;
            }
            type = table->get("type");
            initial = table->get("initial");
            if (type == nullptr) {
                return file_.lacks(*table, what + ".type", kKindNames);
            }
        }
        const auto text = file_.text(*type, what, kKindNames);
        const auto* const found =
            std::find_if(std::begin(kKinds), std::end(kKinds),
                         [&](const KnownKind& known) { return text && known.name == *text; });
        if (found == std::end(kKinds)) {
            return file_.wrong(*type, what, kKindNames);
        }
        DeclaredColumn column{name, found->kind};
        if (initial != nullptr) {
            const auto json = json_of(*initial);
            if (!json || !json_value::convert(column.initial, column.kind, *json)) {
                return file_.wrong(*initial, what + ".initial", words_for(column.kind));
            }
        }
        columns_.push_back(std::move(column));
        return {};
    }

    // Names of columns that have an order, each once.
    Result<std::vector<std::size_t>> read_index_columns(const toml::node& node,
                                                        std::string_view what) {
        auto names = file_.texts(node, what, limits::kIndexColumnsMax);
        if (!names) {
            return names.error();
        }
        const DeclaredRows rows(columns_, {}, {});
        const ExpressionReader known(file_, rows);
        std::vector<std::size_t> found;
        for (const std::string& name : *names) {
            auto column = known.column(node.source(), name);
            if (!column) {
                return column.error();
            }
            if (columns_[*column].kind == ValueKind::json) {
                return file_.at(
                    node.source(),
                    fmt::format("`{}` cannot have the column `{}`: JSON has no order", what, name));
            }
            if (std::find(found.begin(), found.end(), *column) != found.end()) {
                return file_.at(node.source(), fmt::format("`{}` has `{}` twice", what, name));
            }
            found.push_back(*column);
        }
        return found;
    }

    Result<void> read_key(const toml::table& root) {
        const toml::node* node = root.get("key");
        if (node == nullptr) {
            return file_.lacks(root, "key", "the columns that name a row");
        }
        auto key = read_index_columns(*node, "key");
        if (!key) {
            return key.error();
        }
        for (const std::size_t column : *key) {
            if (columns_[column].initial != json_value::kNull) {
                return file_.at(node->source(), fmt::format("`{}` is of the key: it cannot have an "
                                                            "initial value",
                                                            columns_[column].name));
            }
        }
        key_ = std::move(*key);
        return {};
    }

    Result<void> read_indexes(const toml::table& root) {
        const toml::node* node = root.get("index");
        if (node == nullptr) {
            return {};
        }
        auto tables = file_.tables(*node, "index", limits::kIndexesMax);
        if (!tables) {
            return tables.error();
        }
        for (const toml::table* table : *tables) {
            if (auto ok = read_index(*table); !ok) {
                return ok;
            }
        }
        return {};
    }

    Result<void> read_index(const toml::table& table) {
        if (auto ok = file_.check_keys(table, "index.", {"columns", "unique"}); !ok) {
            return ok;
        }
        const toml::node* columns = table.get("columns");
        if (columns == nullptr) {
            return file_.lacks(table, "index.columns", "the columns of the index");
        }
        auto found = read_index_columns(*columns, "index.columns");
        if (!found) {
            return found.error();
        }
        DeclaredIndex index{std::move(*found), false};
        if (const toml::node* unique = table.get("unique")) {
            auto flag = file_.boolean(*unique, "index.unique");
            if (!flag) {
                return flag.error();
            }
            index.unique = *flag;
        }
        for (const DeclaredIndex& other : indexes_) {
            if (other.columns == index.columns) {
                return file_.at(columns->source(), "two indexes over the same columns");
            }
        }
        indexes_.push_back(std::move(index));
        return {};
    }

    Result<void> read_rules(const toml::table& root) {
        rows_ = std::make_unique<DeclaredRows>(columns_, key_, indexes_);
        const toml::node* node = root.get("on");
        if (node == nullptr) {
            return file_.lacks(root, "on", "[[on]] tables: what events do to rows");
        }
        auto tables = file_.tables(*node, "on", limits::kDeclaredRulesMax);
        if (!tables) {
            return tables.error();
        }
        if (tables->empty()) {
            return file_.wrong(*node, "on", "[[on]] tables: what events do to rows");
        }
        RuleReader reader(file_, *rows_);
        for (const toml::table* table : *tables) {
            auto rule = reader.read(*table);
            if (!rule) {
                return rule.error();
            }
            rules_.push_back(std::move(*rule));
        }
        return {};
    }

    Result<void> read_from(const toml::table& root) {
        const toml::node* node = root.get("from");
        std::optional<std::vector<std::string>> types;
        if (node != nullptr) {
            const toml::table* table = node->as_table();
            if (table == nullptr) {
                return file_.wrong(*node, "from", "a table with category, streams or types");
            }
            if (auto ok = read_from_table(*table, types); !ok) {
                return ok;
            }
        }
        select_types(types);
        return {};
    }

    Result<void> read_from_table(const toml::table& table,
                                 std::optional<std::vector<std::string>>& types) {
        Selection& selection = declared_.projection.selection;
        if (auto ok = file_.check_keys(table, "from.", {"category", "streams", "types"}); !ok) {
            return ok;
        }
        if (const toml::node* category = table.get("category")) {
            constexpr std::string_view kExpected =
                "a category: what the streams' names have before the first -";
            auto name = file_.text(*category, "from.category", kExpected);
            if (!name || !check_stream_name(*name, true) || category_of(*name) != *name) {
                return file_.wrong(*category, "from.category", kExpected);
            }
            selection = Selection::category(std::move(*name));
        }
        if (const toml::node* streams = table.get("streams")) {
            auto globs = file_.texts(*streams, "from.streams", limits::kDeclaredGlobsMax);
            if (!globs) {
                return globs.error();
            }
            if (std::any_of(globs->begin(), globs->end(), never_matches)) {
                return file_.wrong(*streams, "from.streams",
                                   "globs in which each [ has its ]: no stream's name has one");
            }
            selection.streams = std::move(*globs);
        }
        if (const toml::node* named = table.get("types")) {
            auto globs = file_.texts(*named, "from.types", limits::kDeclaredGlobsMax);
            if (!globs) {
                return globs.error();
            }
            types = std::move(*globs);
        }
        return {};
    }

    // Those of the rules when none are named.
    void select_types(const std::optional<std::vector<std::string>>& named) {
        Selection& selection = declared_.projection.selection;
        std::set<std::string> types;
        for (const Rule& rule : rules_) {
            types.insert(rule.types.begin(), rule.types.end());
        }
        if (named) {
            types = {named->begin(), named->end()};
        }
        const bool all = types.count("*") > 0 || types.size() > limits::kDeclaredGlobsMax;
        const bool alone =
            selection.kind == Selection::Kind::all && selection.streams.empty() && !all;
        if (alone && types.size() == 1 &&
            types.begin()->find_first_of("*?[") == std::string::npos) {
            selection = Selection::type(*types.begin());
        } else if (!all) {
            selection.types = {types.begin(), types.end()};
        }
    }

    Declaration finish() {
        AnyProjection& projection = declared_.projection;
        projection.rows = rows_->schema();
        auto rules = std::make_shared<DeclaredRules>(std::move(*rows_), std::move(rules_));
        projection.handles = [rules](std::string_view type) { return rules->handles(type); };
        projection.apply = [each = *rules](RowChanges& changes, const EventView& event) mutable {
            return each.apply(changes, event);
        };
        if (declared_.poison.policy == Poison::Policy::park) {
            declared_.poison.keys = [rules](const EventView& event) { return rules->keys(event); };
        }
        return std::move(declared_);
    }

    const TomlFile& file_;
    Declaration declared_;
    std::vector<DeclaredColumn> columns_;
    std::vector<std::size_t> key_;
    std::vector<DeclaredIndex> indexes_;
    std::unique_ptr<DeclaredRows> rows_;
    std::vector<Rule> rules_;
};

}  // namespace

Result<Declaration> parse_declaration(const std::string& file, std::string_view text) {
    const TomlFile toml(file);
    auto root = toml.parse(text);
    return root ? DeclarationReader(toml).read(*root) : root.error();
}

}  // namespace skald::cqrs
