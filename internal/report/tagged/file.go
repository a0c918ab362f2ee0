package tagged

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
)

// file is a PDF as a list of objects. The index is the object's number; 0 is not used.
type file struct {
	objects [][]byte // without "n 0 obj" and "endobj"
	root    int
	info    int
}

var errNotOurs = errors.New("not a file as fpdf writes it")

// parse takes apart a file that fpdf wrote: one table of places, one revision.
func parse(b []byte) (*file, error) {
	start, err := number(b, startxref)
	if err != nil || start >= len(b) {
		return nil, errNotOurs
	}
	table := b[start:]
	size, err1 := number(table, sizeEntry)
	root, err2 := number(table, rootEntry)
	info, err3 := number(table, infoEntry)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	if root == 0 || info == 0 || root >= size || info >= size {
		return nil, errNotOurs
	}
	lines := bytes.SplitN(table, []byte("\n"), size+3) // "xref", "0 size", then a line for each object
	if len(lines) < size+3 {
		return nil, errNotOurs
	}
	offsets := make([]int, size)
	for n := 1; n < size; n++ {
		if offsets[n], err = number(lines[n+2], offsetEntry); err != nil {
			return nil, err
		}
	}
	f := &file{objects: make([][]byte, size), root: root, info: info}
	ends := append(slices.Sorted(slices.Values(offsets[1:])), start)
	for n := 1; n < size; n++ {
		i, _ := slices.BinarySearch(ends, offsets[n])
		if i+1 >= len(ends) || offsets[n] > ends[i+1] || ends[i+1] > len(b) {
			return nil, errNotOurs
		}
		if f.objects[n], err = body(b[offsets[n]:ends[i+1]], n); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// body strips the frame of an object.
func body(b []byte, n int) ([]byte, error) {
	b, ok := bytes.CutPrefix(b, []byte(strconv.Itoa(n)+" 0 obj\n"))
	if !ok {
		return nil, errNotOurs
	}
	b, ok = bytes.CutSuffix(bytes.TrimRight(b, "\n"), []byte("endobj"))
	if !ok {
		return nil, errNotOurs
	}
	return bytes.TrimRight(b, "\n"), nil
}

// Where the numbers stand that taking a file apart needs.
var (
	startxref   = regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`)
	sizeEntry   = regexp.MustCompile(`/Size (\d+)`)
	rootEntry   = regexp.MustCompile(`/Root (\d+) 0 R`)
	infoEntry   = regexp.MustCompile(`/Info (\d+) 0 R`)
	offsetEntry = regexp.MustCompile(`^(\d{10}) `)
)

// number returns the first group of the pattern as a number.
func number(b []byte, pattern *regexp.Regexp) (int, error) {
	m := pattern.FindSubmatch(b)
	if m == nil {
		return 0, errNotOurs
	}
	return strconv.Atoi(string(m[1]))
}

// reserve returns the number of a new object, to be filled by set.
func (f *file) reserve() int {
	f.objects = append(f.objects, nil)
	return len(f.objects) - 1
}

// set gives an object its content.
func (f *file) set(n int, content string) { f.objects[n] = []byte(content) }

// add returns the number of a new object with the content.
func (f *file) add(content string) int {
	n := f.reserve()
	f.set(n, content)
	return n
}

// id names the content: the same objects have the same id.
func (f *file) id() []byte {
	h := sha256.New()
	for _, o := range f.objects {
		_, _ = h.Write(o) // a hash never fails
	}
	return h.Sum(nil)[:16]
}

// perStream is how many objects share one compressed stream. Readers unpack a whole stream
// to get at one object, so it is bounded.
const perStream = 200

// place is where an object is: at an offset, or as the index-th in an object stream.
type place struct {
	kind          byte // 1 at an offset, 2 in a stream
	offset, index int  // for kind 2 offset is the number of the stream
}

// write writes the file as PDF 1.7. Objects without streams are packed and compressed:
// the structure of a long document would otherwise be most of its bytes.
func (f *file) write(w io.Writer) error {
	id := f.id()
	deflate, err := zlib.NewWriterLevel(nil, zlib.BestSpeed) // packing is quicker, for a sixth more bytes
	if err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	out := output{deflate: deflate}
	out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	places := make([]place, len(f.objects))
	var small []int
	for n := 1; n < len(f.objects); n++ {
		if !bytes.HasSuffix(f.objects[n], []byte("endstream")) {
			small = append(small, n)
			continue
		}
		places[n] = place{1, out.Len(), 0}
		if content, ok := plainStream(f.objects[n]); ok {
			if err := out.stream(n, "", content); err != nil {
				return err
			}
			continue
		}
		out.printf("%d 0 obj\n%s\nendobj\n", n, f.objects[n])
	}
	for chunk := range slices.Chunk(small, perStream) {
		at := out.Len()
		stream := len(places)
		for i, n := range chunk {
			places[n] = place{2, stream, i}
		}
		places = append(places, place{1, at, 0})
		if err := f.writePacked(&out, stream, chunk); err != nil {
			return err
		}
	}
	if err := f.writePlaces(&out, places, id); err != nil {
		return err
	}
	_, err = w.Write(out.Bytes())
	return err
}

var plainHead = regexp.MustCompile(`^<</Length (\d+)>>\nstream\n`)

// plainStream returns the content of a stream that is not compressed.
func plainStream(object []byte) ([]byte, bool) {
	head := plainHead.FindSubmatch(object)
	if head == nil {
		return nil, false
	}
	length, err := strconv.Atoi(string(head[1]))
	content := object[len(head[0]):]
	if err != nil || length > len(content) {
		return nil, false
	}
	return content[:length], true
}

// writePacked writes an object stream that holds the objects.
func (f *file) writePacked(out *output, number int, objects []int) error {
	var index, content bytes.Buffer
	for _, n := range objects {
		fmt.Fprintf(&index, "%d %d ", n, content.Len())
		content.Write(f.objects[n])
		content.WriteByte('\n')
	}
	first := index.Len()
	index.Write(content.Bytes())
	return out.stream(number, fmt.Sprintf("/Type /ObjStm /N %d /First %d", len(objects), first), index.Bytes())
}

// writePlaces writes the table of places as a stream, and the end of the file.
func (f *file) writePlaces(out *output, places []place, id []byte) error {
	at := out.Len()
	number := len(places)
	places = append(places, place{1, at, 0})
	table := []byte{0, 0, 0, 0, 0, 0xff, 0xff} // object 0 is free
	for _, p := range places[1:] {
		table = append(table, p.kind)
		table = binary.BigEndian.AppendUint32(table, uint32(p.offset))
		table = binary.BigEndian.AppendUint16(table, uint16(p.index))
	}
	head := fmt.Sprintf("/Type /XRef /Size %d /W [1 4 2] /Root %d 0 R /Info %d 0 R /ID [<%X> <%X>]",
		len(places), f.root, f.info, id, id)
	if err := out.stream(number, head, table); err != nil {
		return err
	}
	out.printf("startxref\n%d\n%%%%EOF\n", at)
	return nil
}

// output is a file being written. One compressor serves all its streams: a new one is dear.
type output struct {
	bytes.Buffer
	deflate *zlib.Writer
	packed  bytes.Buffer // of the present stream
}

func (out *output) printf(format string, args ...any) {
	out.WriteString(fmt.Sprintf(format, args...))
}

// stream writes an object with a compressed stream.
func (out *output) stream(number int, head string, content []byte) error {
	out.packed.Reset()
	out.deflate.Reset(&out.packed)
	if _, err := out.deflate.Write(content); err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	if err := out.deflate.Close(); err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	out.printf("%d 0 obj\n<<%s /Filter /FlateDecode /Length %d>>\nstream\n", number, head, out.packed.Len())
	out.Write(out.packed.Bytes())
	out.WriteString("\nendstream\nendobj\n")
	return nil
}
