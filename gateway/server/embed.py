"""Writes a C++ file that holds a page as a string_view: embed.py INPUT OUTPUT NAMESPACE NAME HEADER [hashes].

With `hashes`, NAMEScripts and NAMEStyles hold those of its <script> and <style> elements, as a
content security policy names them: 'sha256-…'.
"""
import base64
import hashlib
import re
import sys

source, target, namespace, name, header, *more = sys.argv[1:]
data = open(source, "rb").read()


def hashes(element):
    texts = re.findall(rb"<%s>(.*?)</%s>" % (element, element), data, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(text).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


with open(target, "w", encoding="ascii") as out:
    out.write(f'#include "{header}"\n\nnamespace {namespace} {{\nnamespace {{\n')
    out.write("constexpr unsigned char kBytes[] = {\n")
    for start in range(0, len(data), 24):
        out.write("  " + "".join(f"{byte}," for byte in data[start:start + 24]) + "\n")
    out.write("};\n}  // namespace\n\n")
    out.write(f"const std::string_view {name}(reinterpret_cast<const char*>(kBytes), sizeof kBytes);\n")
    if more == ["hashes"]:
        out.write(f'const std::string_view {name}Scripts("{hashes(b"script")}");\n')
        out.write(f'const std::string_view {name}Styles("{hashes(b"style")}");\n')
    out.write(f"\n}}  // namespace {namespace}\n")
