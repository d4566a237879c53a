signal boom
