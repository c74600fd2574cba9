"""Writes a C++ file that holds a text file as a string_view: embed.py INPUT OUTPUT NAMESPACE NAME HEADER."""
import sys

source, target, namespace, name, header = sys.argv[1:6]
data = open(source, "rb").read()
with open(target, "w", encoding="ascii") as out:
    out.write(f'#include "{header}"\n\nnamespace {namespace} {{\nnamespace {{\n')
    out.write("constexpr unsigned char kBytes[] = {\n")
    for start in range(0, len(data), 24):
        out.write("  " + "".join(f"{byte}," for byte in data[start:start + 24]) + "\n")
    out.write("};\n}  // namespace\n\n")
    out.write(f"const std::string_view {name}(reinterpret_cast<const char*>(kBytes), sizeof kBytes);\n\n")
    out.write(f"}}  // namespace {namespace}\n")
