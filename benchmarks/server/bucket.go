package main

import (
	"encoding/hex"
	"sort"
	"strings"
	"sync"
)

// Objects describes a bucket whose content is computed.
type Objects struct {
	Keys     int    `json:"keys"`     // how many
	Prefix   string `json:"prefix"`   // of all keys
	Folders  int    `json:"folders"`  // that they are spread over, in order; 0: each has 1000
	Size     int    `json:"size"`     // bytes of each
	Modified int64  `json:"modified"` // seconds since 1970
}

// Object is what a listing shows.
type Object struct {
	key, etag string
	size      int
	modified  int64
}

// Bucket is computed objects, and those that were written. Written ones are kept by name only.
type Bucket struct {
	objects Objects
	mutex   sync.Mutex
	written map[string]Object
	sorted  []string // of written; nil: not known
}

func (b *Bucket) key(i int) string {
	folders := b.objects.Folders
	folder := i / 1000
	if folders > 0 {
		folder = i * folders / b.objects.Keys
	}
	var digits [14]byte
	for at := 4; at >= 0; at-- {
		digits[at] = byte('0' + folder%10)
		folder /= 10
	}
	digits[5] = '/'
	for at := 13; at > 5; at-- {
		digits[at] = byte('0' + i%10)
		i /= 10
	}
	return b.objects.Prefix + string(digits[:])
}

func (b *Bucket) object(i int) Object {
	value := uint64(i)
	var sum [16]byte
	for half := 0; half < 16; half += 8 {
		value += 0x9e3779b97f4a7c15
		mixed := (value ^ value>>30) * 0xbf58476d1ce4e5b9
		mixed = (mixed ^ mixed>>27) * 0x94d049bb133111eb
		for at := 0; at < 8; at++ {
			sum[half+at] = byte(mixed >> (8 * at))
		}
	}
	return Object{b.key(i), hex.EncodeToString(sum[:]), b.objects.Size, b.objects.Modified}
}

// from is the place of the first computed key that is not below a text.
func (b *Bucket) from(text string) int {
	return sort.Search(b.objects.Keys, func(i int) bool { return b.key(i) >= text })
}

func (b *Bucket) find(key string) (Object, bool) {
	if i := b.from(key); i < b.objects.Keys && b.key(i) == key {
		return b.object(i), true
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	object, there := b.written[key]
	return object, there
}

func (b *Bucket) write(object Object) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if _, there := b.written[object.key]; !there {
		b.sorted = nil
	}
	b.written[object.key] = object
}

func (b *Bucket) remove(key string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	delete(b.written, key)
	b.sorted = nil
}

// list gives objects after a key, and common prefixes ("" for an object's place), in order, and whether there are more.
func (b *Bucket) list(prefix, after, delimiter string, most int) (found []Object, folders []string, more bool) {
	i := b.from(max(prefix, after))
	if i < b.objects.Keys && b.key(i) == after {
		i++
	}
	if len(b.written) > 0 { // few, or the only ones: no care is taken of speed
		return b.listWritten(prefix, after, delimiter, most)
	}
	for i < b.objects.Keys {
		key := b.key(i)
		if !strings.HasPrefix(key, prefix) {
			return found, folders, false
		}
		if len(found)+len(folders) == most {
			return found, folders, true
		}
		if delimiter != "" {
			if end := strings.Index(key[len(prefix):], delimiter); end >= 0 {
				folder := key[:len(prefix)+end+len(delimiter)]
				if !strings.HasPrefix(after, folder) {
					folders = append(folders, folder)
				}
				i = b.from(folder + "\xff")
				continue
			}
		}
		found = append(found, b.object(i))
		i++
	}
	return found, folders, false
}

func (b *Bucket) listWritten(prefix, after, delimiter string, most int) (found []Object, folders []string, more bool) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.sorted == nil {
		b.sorted = make([]string, 0, len(b.written))
		for key := range b.written {
			b.sorted = append(b.sorted, key)
		}
		sort.Strings(b.sorted)
	}
	last := ""
	for at := sort.SearchStrings(b.sorted, max(prefix, after)); at < len(b.sorted); at++ {
		key := b.sorted[at]
		if !strings.HasPrefix(key, prefix) {
			return found, folders, false
		}
		if key == after || last != "" && strings.HasPrefix(key, last) {
			continue
		}
		if len(found)+len(folders) == most {
			return found, folders, true
		}
		if delimiter != "" {
			if end := strings.Index(key[len(prefix):], delimiter); end >= 0 {
				last = key[:len(prefix)+end+len(delimiter)]
				if !strings.HasPrefix(after, last) {
					folders = append(folders, last)
				}
				continue
			}
		}
		found = append(found, b.written[key])
	}
	return found, folders, false
}
