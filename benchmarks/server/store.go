package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Setup is what a benchmark asks for.
type Setup struct {
	Buckets map[string]Objects `json:"buckets"`
	Delay   map[string]float64 `json:"delay"` // milliseconds before the answer, by kind: copy, list, other
	Tail    Tail               `json:"tail"`
	Limit   Limit              `json:"limit"`
}

// Tail makes some of the delayed answers slow.
type Tail struct {
	Share float64 `json:"share"`
	Times float64 `json:"times"`
}

// Limit refuses copies beyond a rate.
type Limit struct {
	Rate     float64 `json:"rate"`      // a second; 0: none
	Folder   bool    `json:"folder"`    // for each first path component, instead of all together
	RiseTo   float64 `json:"rise_to"`   // the rate from then on
	RiseTime float64 `json:"rise_time"` // seconds after the first copy
}

// Sample is what was under way at a moment.
type Sample struct {
	Seconds  float64 `json:"seconds"` // since the first copy
	InFlight int64   `json:"in_flight"`
	Copied   int64   `json:"copied"`
	Refused  int64   `json:"refused"`
}

// Stats is what was counted since the setup.
type Stats struct {
	Requests    map[string]int64 `json:"requests"` // by kind
	Connections int64            `json:"connections"`
	Copied      int64            `json:"copied"`
	Refused     int64            `json:"refused"`
	Objects     int              `json:"objects"` // different ones written
	Peak        int64            `json:"peak"`    // requests in flight, of all kinds
	First       float64          `json:"first"`   // first copy, seconds since 1970
	Samples     []Sample         `json:"samples"`
}

const (
	copying = iota
	listing
	other
	kinds
)

var names = [kinds]string{"copy", "list", "other"}

// Store is all buckets.
type Store struct {
	connections atomic.Int64
	mutex       sync.RWMutex
	setup       Setup
	buckets     map[string]*Bucket
	taps        map[string]*tap
	requests    [kinds]atomic.Int64
	running     [kinds]atomic.Int64
	copied      atomic.Int64
	refused     atomic.Int64
	peak        atomic.Int64
	first       atomic.Int64
	samples     []Sample
}

func newStore() *Store {
	store := &Store{}
	store.begin(Setup{})
	go func() {
		for range time.Tick(100 * time.Millisecond) {
			if first := store.first.Load(); first != 0 {
				store.mutex.Lock()
				store.samples = append(store.samples, Sample{
					time.Since(time.Unix(0, first)).Seconds(), store.running[copying].Load(), store.copied.Load(),
					store.refused.Load()})
				store.mutex.Unlock()
			}
		}
	}()
	return store
}

func (s *Store) begin(setup Setup) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.setup, s.buckets, s.taps, s.samples = setup, map[string]*Bucket{}, map[string]*tap{}, nil
	for name, objects := range setup.Buckets {
		s.buckets[name] = &Bucket{objects: objects, written: map[string]Object{}}
	}
	for kind := range s.requests {
		s.requests[kind].Store(0)
	}
	for _, count := range []*atomic.Int64{&s.connections, &s.copied, &s.refused, &s.peak, &s.first} {
		count.Store(0)
	}
}

func (s *Store) stats() Stats {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	stats := Stats{Requests: map[string]int64{}, Connections: s.connections.Load(), Copied: s.copied.Load(),
		Refused: s.refused.Load(), Peak: s.peak.Load(), First: float64(s.first.Load()) / 1e9, Samples: s.samples}
	for kind, name := range names {
		stats.Requests[name] = s.requests[kind].Load()
	}
	for _, bucket := range s.buckets {
		stats.Objects += len(bucket.written)
	}
	return stats
}

func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	s.mutex.RLock()
	bucket := s.buckets[name]
	s.mutex.RUnlock()
	kind := other
	if from := r.Header.Get("X-Amz-Copy-Source"); from != "" && r.Method == http.MethodPut {
		kind = copying
		s.first.CompareAndSwap(0, time.Now().UnixNano())
	} else if key == "" && r.Method == http.MethodGet && !query.Has("location") {
		kind = listing
	}
	s.requests[kind].Add(1)
	s.running[kind].Add(1)
	defer s.running[kind].Add(-1)
	if now := s.running[copying].Load() + s.running[listing].Load() + s.running[other].Load(); now > s.peak.Load() {
		s.peak.Store(now)
	}
	if bucket == nil {
		fail(w, http.StatusNotFound, "NoSuchBucket")
		return
	}
	if kind == copying && !s.allowed(key) {
		s.refused.Add(1)
		fail(w, http.StatusServiceUnavailable, "SlowDown")
		return
	}
	s.wait(kind)
	switch {
	case kind == copying:
		s.copy(w, r, bucket, key)
	case kind == listing:
		answerListing(w, bucket, name, query)
	case key == "" && r.Method == http.MethodGet:
		body(w, "<LocationConstraint></LocationConstraint>")
	case key == "":
		w.WriteHeader(http.StatusOK)
	case r.Method == http.MethodHead || r.Method == http.MethodGet:
		read(w, r, bucket, key)
	case r.Method == http.MethodPut:
		size, _ := io.Copy(io.Discard, r.Body)
		bucket.write(Object{key, strings.Repeat("0", 32), int(size), time.Now().Unix()})
		w.Header().Set("ETag", `"`+strings.Repeat("0", 32)+`"`)
	case r.Method == http.MethodDelete:
		bucket.remove(key)
		w.WriteHeader(http.StatusNoContent)
	default:
		fail(w, http.StatusNotImplemented, "NotImplemented")
	}
}

func (s *Store) wait(kind int) {
	milliseconds := s.setup.Delay[names[kind]]
	if milliseconds <= 0 {
		return
	}
	if rand.Float64() < s.setup.Tail.Share {
		milliseconds *= s.setup.Tail.Times
	}
	time.Sleep(time.Duration(milliseconds * float64(time.Millisecond)))
}

func (s *Store) allowed(key string) bool {
	limit := s.setup.Limit
	if limit.Rate == 0 {
		return true
	}
	name := ""
	if limit.Folder {
		name, _, _ = strings.Cut(key, "/")
	}
	rate := limit.Rate
	if limit.RiseTime > 0 && time.Since(time.Unix(0, s.first.Load())).Seconds() > limit.RiseTime {
		rate = limit.RiseTo
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.taps[name] == nil {
		s.taps[name] = &tap{filled: time.Now(), turns: rate / 10}
	}
	return s.taps[name].turn(rate)
}

// tap lets through a rate, and a tenth of a second's worth at once.
type tap struct {
	filled time.Time
	turns  float64
}

func (t *tap) turn(rate float64) bool {
	now := time.Now()
	t.turns = min(t.turns+now.Sub(t.filled).Seconds()*rate, rate/10)
	t.filled = now
	if t.turns < 1 {
		return false
	}
	t.turns--
	return true
}

func (s *Store) copy(w http.ResponseWriter, r *http.Request, to *Bucket, key string) {
	from, err := url.PathUnescape(strings.TrimPrefix(r.Header.Get("X-Amz-Copy-Source"), "/"))
	name, sourceKey, _ := strings.Cut(from, "/")
	s.mutex.RLock()
	source := s.buckets[name]
	s.mutex.RUnlock()
	if err != nil || source == nil {
		fail(w, http.StatusNotFound, "NoSuchBucket")
		return
	}
	object, there := source.find(sourceKey)
	if !there {
		fail(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	if guard := r.Header.Get("X-Amz-Copy-Source-If-Match"); guard != "" && strings.Trim(guard, `"`) != object.etag {
		fail(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	now := time.Now()
	to.write(Object{key, object.etag, object.size, now.Unix()})
	s.copied.Add(1)
	body(w, fmt.Sprintf(`<CopyObjectResult><LastModified>%s</LastModified><ETag>"%s"</ETag></CopyObjectResult>`,
		stamp(now.Unix()), object.etag))
}

func read(w http.ResponseWriter, r *http.Request, bucket *Bucket, key string) {
	object, there := bucket.find(key)
	if !there {
		fail(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	header := w.Header()
	header.Set("ETag", `"`+object.etag+`"`)
	header.Set("Last-Modified", time.Unix(object.modified, 0).UTC().Format(http.TimeFormat))
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Accept-Ranges", "bytes")
	header.Set("Content-Length", strconv.Itoa(object.size))
	if r.Method == http.MethodGet {
		w.Write(make([]byte, object.size))
	}
}

func answerListing(w http.ResponseWriter, bucket *Bucket, name string, query url.Values) {
	most := 1000
	if text := query.Get("max-keys"); text != "" {
		most, _ = strconv.Atoi(text)
	}
	prefix, delimiter := query.Get("prefix"), query.Get("delimiter")
	after := query.Get("start-after") + query.Get("marker")
	if token, err := hex.DecodeString(query.Get("continuation-token")); err == nil && len(token) > 0 {
		after = string(token)
	}
	found, folders, more := bucket.list(prefix, after, delimiter, most)
	last := ""
	if len(found) > 0 {
		last = found[len(found)-1].key
	}
	if len(folders) > 0 {
		last = max(last, folders[len(folders)-1]+"\xff")
	}
	out := make([]byte, 0, 1024+300*len(found))
	out = append(out, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
		`<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>`...)
	out = append(out, name...)
	out = append(out, "</Name><Prefix>"+prefix+"</Prefix><KeyCount>"+strconv.Itoa(len(found)+len(folders))+
		"</KeyCount><MaxKeys>"+strconv.Itoa(most)+"</MaxKeys><IsTruncated>"+strconv.FormatBool(more)+"</IsTruncated>"...)
	if query.Get("encoding-type") == "url" {
		out = append(out, "<EncodingType>url</EncodingType>"...)
	}
	if more && query.Get("list-type") == "2" {
		out = append(out, "<NextContinuationToken>"+hex.EncodeToString([]byte(last))+"</NextContinuationToken>"...)
	} else if more {
		out = append(out, "<NextMarker>"+last+"</NextMarker>"...)
	}
	second, time := int64(-1), ""
	for _, object := range found {
		if object.modified != second {
			second, time = object.modified, stamp(object.modified)
		}
		out = append(append(out, "<Contents><Key>"...), object.key...)
		out = append(append(out, "</Key><LastModified>"...), time...)
		out = append(append(out, "</LastModified><ETag>&quot;"...), object.etag...)
		out = append(strconv.AppendInt(append(out, "&quot;</ETag><Size>"...), int64(object.size), 10),
			"</Size><StorageClass>STANDARD</StorageClass></Contents>"...)
	}
	for _, folder := range folders {
		out = append(out, "<CommonPrefixes><Prefix>"+folder+"</Prefix></CommonPrefixes>"...)
	}
	out = append(out, "</ListBucketResult>"...)
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	w.Write(out)
}

func stamp(seconds int64) string {
	return time.Unix(seconds, 0).UTC().Format("2006-01-02T15:04:05.000Z")
}

func body(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/xml")
	io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+text)
}

func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>`+code+`</Code><Message>`+code+
		`</Message><RequestId>0</RequestId></Error>`)
}
