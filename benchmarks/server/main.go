// A synthetic S3 endpoint for benchmarks: buckets of any size whose listings are computed, answers that can be delayed,
// refused (503 SlowDown) and counted. It checks no signatures and holds no bytes.
//
//	server -listen 127.0.0.1:0 [-tls FOLDER]
//
// prints its URL; with -tls it writes FOLDER/ca.pem. PUT /-/setup takes a Setup as JSON and begins anew, GET /-/stats
// gives Stats.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	folder := flag.String("tls", "", "serve HTTPS; the certificate is written to this folder")
	flag.Parse()
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	store := newStore()
	mux := http.NewServeMux()
	mux.HandleFunc("/-/setup", func(w http.ResponseWriter, r *http.Request) {
		var setup Setup
		if err := json.NewDecoder(r.Body).Decode(&setup); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		store.begin(setup)
	})
	mux.HandleFunc("/-/stats", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(store.stats())
	})
	server := &http.Server{
		// not the mux: it would clean paths
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if len(r.URL.Path) > 2 && r.URL.Path[:3] == "/-/" {
				mux.ServeHTTP(w, r)
			} else {
				store.ServeHTTP(w, r)
			}
		}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				store.connections.Add(1)
			}
		},
		IdleTimeout: 2 * time.Minute,
		ErrorLog:    log.New(os.Stderr, "", 0),
	}
	if *folder == "" {
		fmt.Printf("http://%s\n", listener.Addr())
		log.Fatal(server.Serve(listener))
	}
	server.TLSConfig, err = certificate(*folder)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("https://%s\n", listener.Addr())
	log.Fatal(server.ServeTLS(listener, "", ""))
}
