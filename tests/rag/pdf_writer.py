"""PDF files for the tests, written by hand, so that a test says what is in the file."""

import hashlib
from itertools import pairwise

PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
HELVETICA = ["<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"]


def composite(cmap, ordering="Japan1", more="", descriptor="", below=""):
    """The objects of a composite font; ``{0}`` is the number of the first of them."""
    return [
        f"<< /Type /Font /Subtype /Type0 /BaseFont /Mincho /Encoding {cmap} /DescendantFonts [{{1}} 0 R] {more} >>",
        f"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Mincho /FontDescriptor {{2}} 0 R /DW 1000 {below} "
        f"/CIDSystemInfo << /Registry (Adobe) /Ordering ({ordering}) /Supplement 6 >> >>",
        f"<< /Type /FontDescriptor /FontName /Mincho /Flags 4 /FontBBox [0 -200 1000 900] /ItalicAngle 0 "
        f"/Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 {descriptor} >>",
    ]


def stream(data, entries=""):
    """A stream object; its braces are no place for a number."""
    return f"<< {entries} /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def shown(strings, at=(50, 700), step=(0, -18), size=12):
    """A page's content: each of ``strings`` (bytes) drawn one ``step`` after the one before."""
    drawn = [
        f"1 0 0 1 {at[0] + n * step[0]} {at[1] + n * step[1]} Tm <{string.hex()}> Tj"
        for n, string in enumerate(strings)
    ]
    return "\n".join([f"BT /F0 {size} Tf", *drawn, "ET"]).encode()


def write_pdf(pages, font=HELVETICA, title=None, user_password=None, more_objects=()):
    """The bytes of a PDF whose ``pages`` (their content) use the one font ``font`` as /F0.

    ``user_password`` encrypts it (RC4, 40 bits). ``more_objects`` stand behind the font's.
    """
    first_font = 3 + 2 * len(pages)
    numbers = [first_font + n for n in range(len(font) + len(more_objects))]
    kids = " ".join(f"{3 + 2 * n} 0 R" for n in range(len(pages)))
    objects: list[bytes | str] = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
    ]
    for n, content in enumerate(pages):
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {4 + 2 * n} 0 R "
            f"/Resources << /Font << /F0 {first_font} 0 R >> >> >>",
            content if b"endstream" in content else stream(content),
        ]
    objects += [item.format(*numbers) if isinstance(item, str) else item for item in font]
    objects += more_objects
    trailer = f"/Size {len(objects) + 1} /Root 1 0 R"
    if user_password is not None:
        trailer += " " + _encrypt(objects, user_password.encode())
    if title is not None:
        objects.append(b"<< /Title <" + title.hex().encode() + b"> >>")
        trailer += f" /Info {len(objects)} 0 R"
    return _file(objects, trailer)


def _file(objects, trailer):
    out = b"%PDF-1.4\n"
    places = [len(out)]
    for number, item in enumerate(objects, 1):
        body = item.encode() if isinstance(item, str) else item
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
        places.append(len(out))
    table = b"".join(b"%010d 00000 n \n" % place for place, _ in pairwise(places))
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    return out + head + table + f"trailer << {trailer} >>\nstartxref\n{len(out)}\n%%EOF".encode()


def _encrypt(objects, password):
    """Encrypt the streams in ``objects``; the trailer's entries (PDF 32000-1, 7.6.3, revision 2)."""
    padded = (password + PADDING)[:32]
    owner = _rc4(hashlib.md5((b"owner" + PADDING)[:32]).digest()[:5], padded)
    seed = padded + owner + (-4 & 0xFFFFFFFF).to_bytes(4, "little") + b"id"
    key = hashlib.md5(seed).digest()[:5]
    for index, item in enumerate(objects):
        if isinstance(item, bytes) and b"stream\n" in item:
            head, rest = item.split(b"stream\n", 1)
            data = rest.removesuffix(b"\nendstream")
            number = (index + 1).to_bytes(3, "little") + bytes(2)
            own = hashlib.md5(key + number).digest()[:10]
            objects[index] = head + b"stream\n" + _rc4(own, data) + b"\nendstream"
    return (
        f"/ID [<{b'id'.hex()}> <{b'id'.hex()}>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 "
        f"/O <{owner.hex()}> /U <{_rc4(key, PADDING).hex()}> >>"
    )


def _rc4(key, data):
    state, j, out = list(range(256)), 0, bytearray()
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)
