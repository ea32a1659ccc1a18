// SPDX-License-Identifier: MIT
// ctemplate: every object is a dictionary; a list of objects, an object and `true` show the section of their name.
#include <ctemplate/template.h>

#include "driver.hpp"

struct Ctemplate {
    using Data = ctemplate::TemplateDictionary;
    ctemplate::Template *compiled;

    Ctemplate(const char *directory, const char *name)
        : compiled(ctemplate::Template::GetTemplate(std::string(directory) + "/" + name,
                                                    ctemplate::DO_NOT_STRIP)) {
        if (!compiled)
            throw std::runtime_error(std::string("cannot compile ") + name);
    }

    static ctemplate::TemplateString text(const Json &v) {
        return ctemplate::TemplateString(v.GetString(), v.GetStringLength());
    }

    static void put(Data &to, const Json &object) {
        for (const auto &field : object.GetObject()) {
            ctemplate::TemplateString name = text(field.name);
            const Json &v = field.value;
            if (v.IsString())
                to.SetValue(name, text(v));
            else if (v.IsTrue())
                to.ShowSection(name);
            else if (v.IsObject())
                put(*to.AddSectionDictionary(name), v);
            else if (v.IsArray())
                for (const Json &element : v.GetArray())
                    if (element.IsObject())
                        put(*to.AddSectionDictionary(name), element);
        }
    }

    std::unique_ptr<Data> fill(const Json &record) {
        auto data = std::make_unique<Data>("record");
        put(*data, record);
        return data;
    }

    void render(const Data &data, std::string &out) { compiled->Expand(&out, &data); }
};

int main(int argc, char **argv) {
    return drive<Ctemplate>(argc, argv);
}
