# SPDX-License-Identifier: MIT
# Files as C: cmake -DOUT=page_texts.c "-DFILES=a;b" -P embed.cmake. Bytes, since compilers bound the length of literals.
set(arrays "")
set(rows "")
set(n 0)
foreach(file ${FILES})
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    get_filename_component(name ${file} NAME)
    string(APPEND arrays "static const unsigned char text_${n}[] = {${bytes}};\n")
    string(APPEND rows "    {\"${name}\", text_${n}, sizeof text_${n}},\n")
    math(EXPR n "${n} + 1")
endforeach()
file(WRITE ${OUT} "#include \"report/page_texts.h\"\n\n${arrays}\nconst struct page_text page_texts[] = {\n${rows}};\nconst size_t page_texts_n = ${n};\n")
