package web

import (
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"orrery/internal/discussion"
	"orrery/internal/fault"
	"orrery/web/views"
)

const (
	// talkFiles ends the address of a form that brings a file.
	talkFiles = "/talk/files"
	// maxDrain is how much of a posted file is read at most. What is beyond MaxFile is read
	// and dropped: who stops reading resets the connection, and the person would see that
	// instead of the sentence that the file is too large.
	maxDrain = 128 << 20
	// maxStrangers is how much is read of who is not signed in, for the same reason.
	maxStrangers = 12 << 20
	// maxFields bounds the fields beside the file.
	maxFields = 64 << 10
)

// uploading is signedIn for a form with a file: its body is read before it is refused.
func uploading(h handler) handler {
	return func(v *visit) error {
		if v.who.PersonID == uuid.Nil {
			_, _ = io.CopyN(io.Discard, v.r.Body, maxStrangers)
			return fault.New(fault.Unauthenticated, "Sign in, in another tab, and send the file again from the page it belongs to.")
		}
		return h(v)
	}
}

// brought is a form with a file as it was posted.
type brought struct {
	fields   url.Values
	name     string
	data     []byte
	tooLarge bool
}

// addAttachment keeps the file, the link or the statement of the form.
func addAttachment(v *visit, kind, id string) error {
	t, err := v.Talk.CheckAttach(v.ctx(), v.who, kind, id)
	if err != nil && !fault.Is(err, fault.Conflict) {
		_, _ = io.Copy(io.Discard, v.r.Body)
		return err
	}
	b, err := v.readBrought()
	if err != nil {
		return err
	}
	in := discussion.Brought{
		Thread: b.fields.Get("thread"), Text: b.fields.Get("text"), URL: b.fields.Get("url"), Statement: b.fields.Get("statement"), Description: b.fields.Get("description"),
		Dated: b.fields.Get("dated"), Choice: b.fields.Get("supports"),
	}
	if err := v.attach(t, b, in); err != nil {
		return v.refused(err, kind, id, views.TalkForm{For: views.NewAttachment, Brought: in})
	}
	return v.redirect(views.TalkHome(t)+"#people", "It is there, with its date.")
}

// attach decides whether the form brings a file, a link or a statement.
func (v *visit) attach(t discussion.Target, b brought, in discussion.Brought) (err error) {
	link, said := strings.TrimSpace(in.URL) != "", strings.TrimSpace(in.Statement) != ""
	switch {
	case b.tooLarge:
		return fault.InvalidField("file", discussion.TooLarge)
	case link && b.name != "":
		return fault.InvalidField("file", "Bring a file or a link, not both at once.")
	case said && (link || b.name != ""):
		return fault.InvalidField("statement", "State it by itself, and bring the file or the link by itself: each has its own day.")
	case said:
		_, err = v.Talk.AddStatement(v.ctx(), v.who, t.Kind, t.ID, in)
	case link:
		_, err = v.Talk.AddLink(v.ctx(), v.who, t.Kind, t.ID, in)
	case b.name == "":
		return fault.InvalidField("file", "Choose a file, write the address of a link, or say what you attest.")
	default:
		_, err = v.Talk.AddFile(v.ctx(), v.who, t.Kind, t.ID, b.name, b.data, in)
	}
	return err
}

// readBrought reads the form part by part; nothing is written to disk, and no more than
// MaxFile is held.
func (v *visit) readBrought() (brought, error) {
	b := brought{fields: url.Values{}}
	parts, err := v.r.MultipartReader()
	if err != nil {
		return b, fault.New(fault.Invalid, "This address takes a form with a file as browsers send it (multipart/form-data); nothing was read.")
	}
	left := int64(maxFields)
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err == nil {
			err = b.take(part, &left)
		}
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			b.tooLarge = true
			return b, nil
		}
		if fault.Is(err, fault.Invalid) {
			return b, err
		}
		if err != nil {
			return b, fault.Wrap(fault.Invalid, err, "The form could not be read. Send it again.")
		}
	}
}

// take reads one part: the file, or a field.
func (b *brought) take(part *multipart.Part, left *int64) (err error) {
	if part.FormName() == "file" {
		b.name = rawName(part)
		if b.data, err = io.ReadAll(io.LimitReader(part, discussion.MaxFile+1)); err != nil {
			return err
		}
		if b.tooLarge = len(b.data) > discussion.MaxFile; b.tooLarge {
			b.data = nil
		}
		_, err = io.Copy(io.Discard, part)
		return err
	}
	value, err := io.ReadAll(io.LimitReader(part, *left+1))
	if err != nil {
		return err
	}
	if *left -= int64(len(value)); *left < 0 {
		return fault.New(fault.Invalid, "The fields beside the file are too long, so nothing was kept.")
	}
	b.fields.Add(part.FormName(), string(value))
	return nil
}

// rawName is the name of the file as it was sent; the discussion room cleans it.
func rawName(part *multipart.Part) string {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil {
		return ""
	}
	return params["filename"]
}

// downloadFile hands a file out to be saved: never shown on our pages, whatever it holds.
func downloadFile(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	file, data, err := v.Talk.File(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	tag := `"` + hex.EncodeToString(file.SHA256) + `"`
	h := v.w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "private, no-cache") // asked again each time: rights may have gone
	h.Set("ETag", tag)
	if v.r.Header.Get("If-None-Match") == tag {
		v.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	media := file.MediaType
	if strings.HasPrefix(media, "text/") {
		media += "; charset=utf-8"
	}
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": file.Name}))
	h.Set("Content-Length", strconv.Itoa(len(data)))
	_, err = v.w.Write(data)
	return ignoreGone(v, err)
}

func removeFile(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	t, err := v.Talk.RemoveAttachment(v.ctx(), v.who, id)
	if fault.Is(err, fault.Conflict) && t.Kind != "" {
		return v.refused(err, t.Kind, t.ID, views.TalkForm{})
	}
	if err != nil {
		return err
	}
	return v.redirect(views.TalkHome(t)+"#people", "It is removed. That it was there stays to be seen.")
}
