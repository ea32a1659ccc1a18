// SPDX-License-Identifier: MIT
// kainjow's mustache: JSON values to its own. It drops line ends beside sections that others keep, so it reads the
// templates that are written for ctemplate (.tpl, nothing escaped) and gets the line end after a lone closing tag as a
// value.
#include <kainjow/mustache.hpp>
#include <regex>

#include "driver.hpp"

namespace km = kainjow::mustache;

struct Kainjow {
    using Data = km::data;
    km::mustache compiled;

    Kainjow(const std::string &directory, const std::string &name)
        : compiled(is_raw(name) ? with_line_ends(read_file(directory + "/" + name))
                                : read_file(directory + "/" + name)) {
        if (!compiled.is_valid())
            throw std::runtime_error(compiled.error_message());
        if (is_raw(name))
            compiled.set_custom_escape([](const std::string &text) { return text; });
    }

    static bool is_raw(const std::string &name) { return name.find(".tpl") != std::string::npos; }

    static std::string with_line_ends(const std::string &text) {
        return std::regex_replace(text, std::regex("(^|\n)((?:\\{\\{/\\w+\\}\\})+)\n"), "$1$2{{line_end}}");
    }

    static km::data convert(const Json &v) {
        if (v.IsString())
            return km::data(std::string(v.GetString(), v.GetStringLength()));
        if (v.IsBool())
            return km::data(v.GetBool());
        if (v.IsArray()) {
            km::data list(km::data::type::list);
            for (const Json &element : v.GetArray())
                list.push_back(convert(element));
            return list;
        }
        if (!v.IsObject())
            return km::data(false);
        km::data object(km::data::type::object);
        put(object, v);
        return object;
    }

    static void put(km::data &to, const Json &object) {
        for (const auto &field : object.GetObject())
            to.set(field.name.GetString(), convert(field.value));
    }

    std::unique_ptr<Data> fill(const Json &record) {
        auto data = std::make_unique<Data>(km::data::type::object);
        data->set("line_end", "\n");
        put(*data, record);
        return data;
    }

    void render(const Data &data, std::string &out) { out += compiled.render(data); }
};

int main(int argc, char **argv) {
    return drive<Kainjow>(argc, argv);
}
